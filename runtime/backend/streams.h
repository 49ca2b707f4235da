//===- streams.h - The streams of a backend ---------------------*- C++ -*-===//
#pragma once

#include <cstdint>

namespace sluice {

/// The streams of a backend. The order is that of plan.fbs.
enum class StreamKind : uint8_t { Compute, Demand, Prefetch, CopyBack };
inline constexpr int kStreamCount = 4;

/// What traces call the CPU work beside the streams. No stream: nothing can be
/// enqueued on it.
inline constexpr StreamKind kHostTrack = static_cast<StreamKind>(kStreamCount);
/// The same for reads of a disk in virtual time.
inline constexpr StreamKind kDiskTrack =
    static_cast<StreamKind>(kStreamCount + 1);
/// Streams, and what is none.
inline constexpr int kTrackCount = kStreamCount + 2;

/// "compute", "demand", "prefetch", "copy-back"; kHostTrack is "host",
/// kDiskTrack "disk".
const char *name(StreamKind stream);

} // namespace sluice
