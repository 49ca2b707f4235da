//===- parallel.h - Reads by several threads --------------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <cstddef>
#include <functional>

namespace sluice {

/// Calls `body(index, thread)` for each index of 0 .. count-1, on up to
/// `threads` threads, in increasing order as threads become free; `thread` is
/// below min(threads, count), one call at a time each. Returns when all calls
/// are done, with the failure of the lowest index; after a failure no further
/// index is begun. The threads live for this call alone: for loading.
Status forEachParallel(size_t count, unsigned threads,
                       const std::function<Status(size_t, unsigned)> &body);

} // namespace sluice
