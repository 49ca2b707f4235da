//===- balance.h - How many experts the CPU takes ---------------*- C++ -*-===//
//
// A missing expert comes over the bus or is computed where it lies, and both
// should end together. What each of them takes for one expert is learned while
// plans run, from the times of the host's own clock; until both are known the
// share of the plan stands for them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace sluice::experts {

/// What one expert takes, in microseconds or any other unit.
struct ExpertTimes {
  double host = 0, bus = 0;
};

/// How many of `missing` experts the CPU takes so that it and the bus, which
/// has `queued` more to move, end as early as whole experts allow: the least
/// max(count * host, (missing - count + queued) * bus); of equal ones the least
/// count. When nothing is left for the bus, what is queued is not waited for.
uint32_t hostCount(uint32_t missing, uint32_t queued, const ExpertTimes &times);

class Balance {
public:
  /// What hostCount is to be asked with. `share`: the CPU's part of the rates
  /// of both, as the plan has it; 0 and 1 are orders and nothing is learned
  /// against them.
  ExpertTimes times(float share) const;

  // What was seen. `experts` is 1 or more. Of a time that is not `exact` only
  // so much is known that it was not longer.
  void ranOnHost(uint32_t experts, double us, bool exact = true);
  void moved(uint32_t experts, double us);

  /// One side was given nothing: it is thought a little better of, so that one
  /// bad figure does not shut it out for ever.
  void leftOut(bool host, bool bus);

private:
  ExpertTimes learned; ///< 0 where nothing was seen.
};

} // namespace sluice::experts
