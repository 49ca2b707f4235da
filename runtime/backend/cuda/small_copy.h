//===- small_copy.h - Copies that do not wait for the bus -------*- C++ -*-===//
//
// A GPU copies between its memory and the host's with one engine a direction,
// and an engine works through its copies one after the other, whatever their
// streams. The few bytes that a layer's ids, tables and results are would wait
// there behind an expert of megabytes. A kernel that reads or writes pinned
// memory where it lies goes past that queue, and starts sooner.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/registry.h"

#include <cstdint>
#include <cuda_runtime.h>

namespace sluice::cuda {

/// Larger copies are left to the engines, which need no multiprocessors.
constexpr uint64_t kSmallCopyBytes = 128 << 10;

/// Enqueues a copy of 1 to kSmallCopyBytes bytes between two places that
/// kernels of the current device reach, at any alignment.
cudaError_t smallCopy(const CudaContext &context, void *target,
                      const void *source, uint64_t bytes);

/// The most bytes that go along with a launch.
constexpr uint64_t kInlineBytes = 2048;

/// The same for 1 to kInlineBytes bytes that only the host reaches, and reads
/// before this returns: they travel with the launch. Behind experts on their
/// way a read over the bus takes 20 us.
cudaError_t inlineCopy(const CudaContext &context, void *target,
                       const void *source, uint64_t bytes);

} // namespace sluice::cuda
