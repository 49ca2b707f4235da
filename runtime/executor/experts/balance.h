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

/// How many of `missing` experts the CPU takes, so that it and the bus, which
/// has `queued` more to move, end as early as possible. Of each expert that the
/// CPU takes, the bus may take the part `tail` over again (down, as a share of
/// the bytes), as much of it as is best; 0: none of it. Of equal divisions the
/// one that gives the CPU least. When nothing is left for the bus, what is
/// queued is not waited for.
uint32_t divide(uint32_t missing, uint32_t queued, double tail,
                const ExpertTimes &times);

/// Experts' worth that the bus should take over from a CPU which has `hostUs`
/// to go and takes `times.host` for each, when the bus has `busUs` to go; 0 or
/// more.
double handOver(double hostUs, double busUs, const ExpertTimes &times);

class Balance {
public:
  /// What divide is to be asked with. `share`: the CPU's part of the rates
  /// of both, as the plan has it; 0 and 1 are orders and nothing is learned
  /// against them.
  ExpertTimes times(float share) const;

  /// Whether that is what was seen, in microseconds.
  bool hasLearned(float share) const;

  // What was seen. Parts of experts count as such; from less than one in all
  // nothing is learned.
  void ranOnHost(double experts, double us);
  void moved(double experts, double us);

  /// One side was given nothing: it is thought a little better of, so that one
  /// bad figure does not shut it out for ever.
  void leftOut(bool host, bool bus);

private:
  ExpertTimes learned; ///< 0 where nothing was seen.
};

} // namespace sluice::experts
