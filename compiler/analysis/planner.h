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
  int64_t slots = 0; ///< Experts in device memory.
  /// Experts whose home is host memory, without the ring's places; the rest is
  /// on disk.
  int64_t hostExperts = 0;
};

/// What replaying recorded tokens says of the experts in slots.
struct ReplayedHits {
  double active = 0; ///< Experts that a layer of a step demands.
  /// Layers of all steps by what they missed; empty: unknown.
  std::vector<LayerMisses> layers = {};
  /// [r]: share of the missing experts that served r rows; empty: unknown.
  std::vector<double> rows = {};
  /// That were counted, without repetitions; where `layers` is unknown, those
  /// that there are.
  int64_t tokens = 0;
  /// Demands that were counted, without repetitions, over the slots.
  double demandsPerSlot = 0;

  double misses() const; ///< Of a layer of a step.
  double onDisk() const; ///< Share of the missing experts.
  /// How far the replay is believed, 0 to 1: fully from kEnoughDemands a slot.
  double weight() const;
  static constexpr double kEnoughDemands = 16;
};

/// The experts whose home is the disk.
struct DiskHomes {
  /// [layer * experts + expert], 1: on the disk, layers as in
  /// ModelShape::layers. Empty: none.
  std::vector<uint8_t> onDisk = {};
  /// Of a miss over that of an expert in host memory: as long as it takes.
  double cost = 1;
};

/// What recorded, or made-up, routing says beyond popularity.
struct RoutingEvidence {
  /// One a layer with experts, at its place in ModelShape::layers:
  /// transitions[i * experts + j], tokens that used expert i of the layer
  /// before and expert j of this. Empty where unknown.
  std::vector<std::vector<int32_t>> transitions;
  /// The recorded tokens in steps of `batch` with `slots` slots, where the CPU
  /// computes `hostShare` of what is missing and not on the disk: that does not
  /// come to stay. Costs a replay a call.
  std::function<ReplayedHits(int64_t batch, int64_t slots, double hostShare,
                             const DiskHomes &disk)>
      hits;
  /// Without a disk and at the same price how often a step missed each expert,
  /// by layers as above; empty: unknown.
  std::function<std::vector<std::vector<float>>(int64_t batch, int64_t slots,
                                                double hostShare)>
      missed;
};

struct PlannerInputs {
  ModelShape model;
  const Hardware *hardware = nullptr; ///< Required.
  /// Optional. Of few tokens it should be smoothed: what was not seen may come.
  const RoutingStatistics *routing = nullptr;
  const RoutingEvidence *evidence = nullptr; ///< Optional.
  /// Optional: `hits` of tokens that use all experts alike. Which experts on
  /// the disk come to stay in slots is played with them where there is no
  /// evidence, and as far as that is not believed.
  const RoutingEvidence *uniform = nullptr;
  ExpertMode mode = ExpertMode::Auto; ///< --experts
  bool split = true; ///< The pass split-misses is on; else the GPU runs all.
  ScheduleKind schedule = ScheduleKind::Planned; ///< --schedule
  int64_t context = 512; ///< Tokens that a row attends to.
  bool prefetch = true;  ///< The pass is on.
  /// The pass is on. Where it is not, the CPU computes misses of one batch
  /// only: it takes whole unions.
  bool merged = true;
  bool graphs = true; ///< The pass is on.
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

/// The largest n up to `most` that has room, which shrinks as n grows; 0: none.
int64_t mostThatFits(const RoomOf &room, int64_t most);

/// The largest n that may be chosen, and who says so.
struct BatchLimit {
  int64_t batches = 0;
  const char *flag = "--prefill-rows"; ///< Never null.
};

struct BatchChoice {
  int64_t batch = 1;
  bool satisfied = false; ///< All of Klotski's constraints hold.
  KlotskiCheck check;     ///< At `batch`.
  std::vector<std::string> lines;
};

/// --batch auto: the smallest n up to `limit` that fits and satisfies Klotski's
/// constraints; where none does, or the schedule is serial and hides nothing,
/// the smallest whose throughput is within 3% of the best. Looks at doublings
/// and halfway between them, then halves between the last that does not satisfy
/// them and the first that does; every look costs what decide() does. Nothing
/// where even one batch does not fit.
std::optional<BatchChoice> chooseBatches(const PlannerInputs &inputs,
                                         const RoomOf &room,
                                         const BatchLimit &limit);

/// Klotski's constraints for the mean layer of a step as `report` has it. Dense
/// weights stay in device memory, so attention and gate transfer nothing; the
/// experts that are in slots compute beside the transfers and stand for the hot
/// one. A missing expert takes as long as it does in the report's cost, whoever
/// bounds it: the bus, the disk or the CPU.
KlotskiCheck klotskiOf(const PlannerInputs &inputs,
                       const PlannerReport &report);

/// Chance that an expert that was moved ahead is used by `batch` rows, when the
/// l likeliest of each layer that are not among its resident ones move, for l =
/// 1 .. `most`. From popularity alone, or given one expert of the layer before
/// where there is evidence; the mean over the layers.
std::vector<double> prefetchPrecision(const PlannerInputs &inputs,
                                      int64_t batch, double residentShare,
                                      int64_t most);

} // namespace sluice
