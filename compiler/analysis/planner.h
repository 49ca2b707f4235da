//===- planner.h - Decides how experts move ---------------------*- C++ -*-===//
//
// From a model's shapes, a budget, a machine and recorded routing: how many
// batches share a step, who computes misses, how far ahead to move experts, and
// what a step then takes. Plain values in and out; every decision comes with a
// line that says why.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/analysis/cost_model.h"
#include "compiler/analysis/klotski.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// What the memory has room for at one number of batches.
struct ExpertRoom {
  int64_t slots = 0;       ///< Experts in device memory.
  /// Experts whose home is host memory, without the ring's places; the rest is
  /// on disk.
  int64_t hostExperts = 0;
};

/// What recorded routing says beyond popularity.
struct RoutingEvidence {
  /// One a layer with experts, at its place in ModelShape::layers:
  /// transitions[i * experts + j], tokens that used expert i of the layer
  /// before and expert j of this. Empty where unknown.
  std::vector<std::vector<int32_t>> transitions;
  /// Share of demanded experts found in `slots` slots when the recorded tokens
  /// run in steps of `batch`, or below 0 where that is unknown.
  std::function<double(int64_t batch, int64_t slots)> hitRate;
};

struct PlannerInputs {
  ModelShape model;
  const Hardware *hardware = nullptr;            ///< Required.
  const RoutingStatistics *routing = nullptr;    ///< Optional.
  const RoutingEvidence *evidence = nullptr;     ///< Optional.
  ExpertMode mode = ExpertMode::Auto;            ///< --experts
  ScheduleKind schedule = ScheduleKind::Planned; ///< --schedule
  int64_t context = 512; ///< Tokens that a row attends to.
  bool prefetch = true;  ///< The pass is on.
  bool merged = true;    ///< The pass is on.
  bool graphs = true;    ///< The pass is on.
};

/// What was decided and why.
struct PlannerReport {
  ExpertDecisions decisions;
  StepPlan plan;
  StepCost cost;
  std::vector<std::string> lines; ///< For --explain.
};

/// Decides for `batch` batches and this room; also where every expert fits.
PlannerReport decide(const PlannerInputs &inputs, int64_t batch,
                     const ExpertRoom &room);

/// Room left at a number of batches; nothing where it does not fit.
using RoomOf = std::function<std::optional<ExpertRoom>(int64_t batch)>;

struct BatchChoice {
  int64_t batch = 1;
  bool satisfied = false; ///< All of Klotski's constraints hold.
  KlotskiCheck check;     ///< At `batch`.
  std::vector<std::string> lines;
};

/// --batch auto: the smallest n up to `most` that fits and satisfies Klotski's
/// constraints; where none does, the smallest whose throughput is within 3% of
/// the best. Nothing where even one batch does not fit.
std::optional<BatchChoice> chooseBatches(const PlannerInputs &inputs,
                                         const RoomOf &room, int64_t most);

/// Klotski's constraints for the model's first layer at `batch` batches. Dense
/// weights stay in device memory, so attention and gate transfer nothing; the
/// experts that are in slots compute beside the transfers and stand for the hot
/// one.
KlotskiCheck klotskiAt(const PlannerInputs &inputs, int64_t batch,
                       const ExpertRoom &room);

/// Chance that an expert that was moved ahead is used by `batch` rows, when the
/// `limit` likeliest of each layer that are not among its resident ones move.
/// From popularity alone, or given one expert of the layer before where there
/// is evidence; the mean over the layers.
double prefetchPrecision(const PlannerInputs &inputs, int64_t batch,
                         double residentShare, int64_t limit);

} // namespace sluice
