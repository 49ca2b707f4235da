//===- memory_limit.h - What a process may have -----------------*- C++ -*-===//
#pragma once

#include <cstdint>

namespace sluice {

/// The bytes of memory that this process could have at best: the machine's, or
/// its container's limit (cgroup v2) where that is lower. Touching more would
/// not fail but have the process killed.
uint64_t mostMemory();

} // namespace sluice
