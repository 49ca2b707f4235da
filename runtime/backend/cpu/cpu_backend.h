//===- cpu_backend.h - The reference backend --------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"

namespace sluice {

/// How to make the CPU backend.
struct CpuOptions {
  /// Threads that share the work of a kernel; 0: one a core the process may
  /// use.
  unsigned threads = 0;
  /// Bytes of a known pattern before and after every allocation, which
  /// checkGuards looks at. Rounded up to kMemoryAlignment.
  uint64_t guardBytes = 0;
};

/// The reference backend: a worker thread a stream and real events, so that a
/// wrong schedule shows. Errors: InvalidArgument for more than 1024 threads.
Result<std::unique_ptr<Backend>> makeCpuBackend(const CpuOptions &options = {});

} // namespace sluice
