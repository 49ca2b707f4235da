//===- prefetch_plan.h - How far ahead experts move -------------*- C++ -*-===//
#pragma once

#include "compiler/analysis/planner.h"

#include <string>

namespace sluice {

/// How many experts of the next layer to move while attention and gate run.
struct PrefetchPlan {
  int64_t limit = 0;
  double precision = 0; ///< At `limit`, or of one expert where it is 0.
  std::string reason;   ///< One line.
};

/// Wasted copies may add this share to the bytes of demand.
inline constexpr double kMostWaste = 0.15;

/// What is predicted to save less is as likely to cost something: the model
/// knows no order in which the thread that drives does its work, nor how a
/// shared layer is divided anew. With the demo model's recorded routing, over
/// the shipped profiles, budgets and batches, nothing that saves so much in the
/// model costs more than 0.5% in the simulator.
inline constexpr double kLeastGain = 0.02, kLeastGainShared = 0.04;

/// The limit that makes a step of `plan` shortest. An expert that is moved and
/// not used has evicted one that may be: moving ahead pays from a chance of
/// use p / (1 + p), p being that of an average expert in a slot. `plan` has no
/// prefetch yet; `loads` are its experts. `precision` is prefetchPrecision at
/// the plan's batches and slots, filled in where it is too short: it is the
/// same for all modes, and takes time.
PrefetchPlan planPrefetch(const PlannerInputs &inputs, const StepPlan &plan,
                          std::span<const ExpertLoad> loads,
                          std::vector<double> &precision);

} // namespace sluice
