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

/// Runs a test once more with a trace, which is written to `path` as Chrome
/// JSON unless that is empty.
struct BusyShares {
  double bus = 0;    ///< Of the time, a copy of an expert ran.
  double bubble = 0; ///< See runtime/executor/bubbles.h.
  /// GB/s of copies of experts while one ran, and of what the CPU's jobs read
  /// while one ran; 0 where there was none.
  double busRate = 0, hostRate = 0;
};
Result<BusyShares> traceTest(Backend &backend, Bench &bench, const Test &test,
                             const std::string &path);

} // namespace sluice::tools
