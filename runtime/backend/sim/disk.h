//===- disk.h - A disk in virtual time --------------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/trace.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace sluice::sim {

/// Serves one read after the other, each for its bytes over the disk's rate. As
/// in the cost model a read has no latency of its own: the rate is that of
/// large reads with others behind them. Times are microseconds of one clock.
class Disk {
public:
  explicit Disk(double gigabytesPerSecond) : rate(gigabytesPerSecond) {}

  /// The host asks for a read at `now`, which never decreases; when it ends.
  double start(uint64_t bytes, double now, const TraceLabel &label);

  /// What it does between two times, as spans from the first on. Of a read that
  /// is partly outside the part inside, with so many of its bytes.
  void spans(double from, double to, std::vector<TraceSpan> &into) const;
  /// No spans are wanted of what was over at `time`.
  void forget(double time);

private:
  struct Read {
    TraceLabel label;
    double start, end;
    uint64_t bytes;
  };

  double rate;
  double free = 0;        ///< When the reads begun so far are over.
  std::deque<Read> reads; ///< In order; those that are not forgotten.
};

} // namespace sluice::sim
