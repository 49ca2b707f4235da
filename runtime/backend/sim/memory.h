//===- memory.h - Address space that stands for memory ----------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>

namespace sluice::sim {

/// Zeroed pages that cost nothing until they are written: 16 GiB of a GPU that
/// is not there. OutOfMemory when the address space has no such room.
Result<void *> reservePages(uint64_t bytes);
void releasePages(void *data, uint64_t bytes);

} // namespace sluice::sim
