//===- bubbles.h - How long everything waited -------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/trace.h"

#include <optional>
#include <span>

namespace sluice {

/// The share of a trace in which the busiest of its engines stood idle:
///   1 - max(bus, compute, host, disk) / T,
/// where T is the time from the first span's start to the last span's end, bus
/// the time in which at least one copy of the demand or prefetch stream ran,
/// compute that of the compute stream, host that of host work, disk that of
/// reads where a backend shows them. 0 when whatever
/// bounds the run never waits: the copies, when transfers bound it. Nothing for
/// a trace without spans or of no length.
std::optional<double> bubbleShare(std::span<const TraceSpan> spans);

} // namespace sluice
