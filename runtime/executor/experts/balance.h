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

/// Who takes the missing experts of a layer: `host` of them the CPU, one both
/// if `shared`, the others the bus.
struct Division {
  uint32_t host = 0;
  bool shared = false;
  bool operator==(const Division &) const = default;
};

/// Divides `missing` experts so that the CPU and the bus, which has `queued`
/// more to move, end as early as possible. Of a shared expert the CPU does the
/// part `front` (its gate and up projections, as a share of its bytes) and the
/// bus moves the rest; 0: none can be shared. Of equal divisions the one that
/// shares none and gives the CPU least. When nothing is left for the bus, what
/// is queued is not waited for.
Division divide(uint32_t missing, uint32_t queued, double front,
                const ExpertTimes &times);

class Balance {
public:
  /// What divide is to be asked with. `share`: the CPU's part of the rates
  /// of both, as the plan has it; 0 and 1 are orders and nothing is learned
  /// against them.
  ExpertTimes times(float share) const;

  // What was seen. A shared expert counts by its part; from less than one in
  // all nothing is learned.
  void ranOnHost(double experts, double us);
  void moved(double experts, double us);

  /// One side was given nothing: it is thought a little better of, so that one
  /// bad figure does not shut it out for ever.
  void leftOut(bool host, bool bus);

private:
  ExpertTimes learned; ///< 0 where nothing was seen.
};

} // namespace sluice::experts
