//===- trace.h - What ran when ----------------------------------*- C++ -*-===//
//
// A trace is a list of spans: one a launch, a copy, a host function, a graph, a
// piece of host work, or a read of a disk in virtual time. All backends measure
// from the same kind of origin, startTrace, so that the tracks of one trace can
// be laid side by side.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/streams.h"

#include <chrono>
#include <cstdint>

namespace sluice {

/// What the work enqueued next is for.
struct TraceLabel {
  /// Is read when the trace is taken: a string that lives longer.
  const char *name = "";
  int32_t layer = -1;  ///< -1: none.
  int32_t expert = -1; ///< -1: none.
};

/// One piece of work that ran.
struct TraceSpan {
  TraceLabel label;
  StreamKind stream = StreamKind::Compute; ///< Or another track.
  double startUs = 0;                      ///< Microseconds since startTrace.
  double endUs = 0;
  /// Of a copy or a read, and of the weights that a job of both halves of
  /// experts read on the CPU; 0 for everything else.
  uint64_t bytes = 0;
};

/// Microseconds since a point of time that is set once.
class TraceClock {
public:
  using Clock = std::chrono::steady_clock;

  void start() { origin = Clock::now(); }
  double at(Clock::time_point time) const {
    return std::chrono::duration<double, std::micro>(time - origin).count();
  }
  double now() const { return at(Clock::now()); }

private:
  Clock::time_point origin;
};

} // namespace sluice
