//===- bus.h - What the bus can do, and how long it stood idle --*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/plan/plan.h"
#include "tools/sluice-bench/measure.h"

namespace sluice::tools {

/// GB/s of pinned copies to the device, of the size of one expert and back to
/// back; 0 where no expert of the plan moves. Needs room for eight experts
/// beside the plan, on both sides.
Result<double> measureBus(Backend &backend, const plan::fb::Plan &plan);

/// What bus, GPU and CPU did in repetitions of a test with a trace.
class BusyTest {
public:
  /// Runs the test once more, traced. The trace is written to `path` as Chrome
  /// JSON unless that is empty.
  Status repeat(Backend &backend, Bench &bench, const Test &test,
                const std::string &path);

  /// Of the time, a copy of an expert ran.
  double busShare() const { return us > 0 ? bus.us / us : 0; }
  /// The mean of runtime/executor/bubbles.h.
  double bubbleShare() const { return traces > 0 ? bubbles / traces : 0; }
  /// GB/s of copies of experts while one ran, and of what the CPU's jobs read
  /// while one ran; 0 where there was none.
  double busRate() const { return bus.rate(); }
  double hostRate() const { return host.rate(); }

private:
  /// How long spans ran, overlaps once, and what they moved or read.
  struct Busy {
    double us = 0;
    uint64_t bytes = 0;
    double rate() const {
      return us > 0 ? static_cast<double>(bytes) / us / 1e3 : 0;
    }
  };
  Busy bus, host;
  double us = 0, bubbles = 0;
  int traces = 0;
};

} // namespace sluice::tools
