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

/// "compute", "demand", "prefetch", "copy-back"; kHostTrack is "host".
const char *name(StreamKind stream);

} // namespace sluice
