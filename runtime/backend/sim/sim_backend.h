//===- sim_backend.h - A machine in virtual time ----------------*- C++ -*-===//
//
// Runs a plan as another machine would, in that machine's time: the same
// executor, the same streams and events, but a clock that only moves by the
// figures of a Hardware. Kernels take time and compute nothing, so whatever
// depends on routing needs a source of ids from outside.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/core/hardware.h"

namespace sluice {

/// Copies up to this size really move their bytes (tables, ids, positions);
/// larger ones only take time.
inline constexpr uint64_t kSimCopiedBytes = uint64_t{1} << 20;

/// A backend named "sim".
///
/// - Host thread: a launch or a copy costs Hardware::launchUs, a record, a wait
///   or a query a quarter of it. waitOnHost, synchronize and waitHostWork move
///   the clock to the end of what they wait for plus Hardware::syncUs, or cost
///   as much as a query when that end has passed.
/// - Streams: kernels by sim::kernelUs, copies by the size curve of their
///   direction. Each direction has one copy engine, first come, first served
///   over all streams; kernels of different streams do not slow each other.
/// - Host work: sim::hostKernelUs, one launch after the other, and
///   Hardware::hostJobUs a job, beside everything else. It shares host memory
///   with copies to the device: while both run, each goes at its rate by
///   Hardware::together, its own being the mean of the job and that of the
///   copy.
/// - Disk: one read after the other at Hardware::diskRead, beside everything
///   else. To begin one costs the host as much as a launch, to ask for its end
///   nothing, to wait for it as much as to wait for other work.
/// - Graphs: one launchUs for the host, whatever they hold; the nodes take as
///   long as launches of their own, and in traces each is a span.
/// - Memory is address space that becomes real where it is written.
///
/// Everything is deterministic. Nothing is visible before its virtual time as
/// far as the host can tell: small copies happen when the clock gets there.
/// hardware needs the curves of both directions and of hostExpert, and every
/// figure above 0, as parseHardware gives it; InvalidArgument else.
Result<std::unique_ptr<Backend>> makeSimBackend(const Hardware &hardware);

} // namespace sluice
