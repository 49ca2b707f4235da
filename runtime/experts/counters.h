//===- counters.h - What the expert store did -------------------*- C++ -*-===//
#pragma once

#include <cstdint>

namespace sluice::experts {

/// Sums since the store was made. "An expert" is one demand of one expert by
/// one layer of one step, however many rows use it. Always:
/// demands == hits + misses, and
/// prefetched == prefetchUsed + wastedBytes / slot bytes + those not used yet.
struct Counters {
  uint64_t demands = 0;
  uint64_t hits = 0;   ///< It had a slot: ready, or its copy was under way.
  uint64_t misses = 0; ///< It had none.
  uint64_t evictions = 0;
  uint64_t prefetched = 0;      ///< Copies begun before the demand.
  uint64_t prefetchUsed = 0;    ///< Of these, demanded while in their slot.
  uint64_t prefetchDropped = 0; ///< Predictions whose copy was never begun.
  uint64_t fetchedBytes = 0;    ///< Copied after a demand, whole or in part.
  uint64_t prefetchedBytes = 0; ///< Copied before the demand.
  uint64_t wastedBytes = 0;     ///< Prefetched, then evicted before any use.
  uint64_t hostExperts = 0;     ///< Misses that the CPU was given.
  uint64_t hostBytes = 0; ///< Weights of them that it read: they never moved.

  /// hits / demands, 0 without demands.
  double hitRate() const {
    return demands == 0
               ? 0.0
               : static_cast<double>(hits) / static_cast<double>(demands);
  }
  Counters &operator+=(const Counters &other);
  /// What happened since `earlier`, a copy of the same counters.
  Counters since(const Counters &earlier) const;
};

} // namespace sluice::experts
