//===- hit_estimate.h - What a recording says of hit rates ------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/routing_trace.h"

#include <cstdint>
#include <string_view>

namespace sluice::experts {

/// The hit rate of a policy behind a warm-up, and what it stands on.
struct HitEstimate {
  uint64_t demands = 0, hits = 0; ///< Of the steps that count.
  uint64_t tokens = 0;            ///< Of the steps that count.
  /// demands / slots: how often a slot had the chance to prove its worth.
  double demandsPerSlot = 0;

  double rate() const {
    return demands == 0
               ? 0.0
               : static_cast<double>(hits) / static_cast<double>(demands);
  }
};

/// Plays `trace` against `policy`, `rowsPerStep` rows a step. The pool starts
/// empty, so the first half of the steps fills it and is not counted; what is
/// demanded for the first time in the second half is a miss, as it would be
/// with more text. Recordings of fewer than two steps give no demands.
///
/// Long recordings are cut to what a rate needs, and where about `mostVisits`
/// looks at slots do not suffice, every so many layers are played with as small
/// a part of the slots (sampling in space, as SHARDS does: C. A. Waldspurger et
/// al., FAST 2015). InvalidArgument for 0 slots, 0 rows or no tokens.
Result<HitEstimate> estimateHits(const RoutingTrace &trace, uint32_t slots,
                                 uint32_t rowsPerStep, std::string_view policy,
                                 uint64_t mostVisits = 20'000'000);

/// Tokens of `trace` that no other before them was routed like, in all layers.
/// A token that repeats another says nothing new of other text.
uint64_t distinctTokens(const RoutingTrace &trace);

} // namespace sluice::experts
