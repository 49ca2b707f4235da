//===- balance.h - How many experts the CPU takes ---------------*- C++ -*-===//
//
// A missing expert comes over the bus or is computed where it lies, and both
// should end together. What each of them takes for one expert is learned while
// plans run, from the times of the host's own clock; until both are known the
// share of the plan stands for them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/experts/division.h"

namespace sluice::experts {

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
