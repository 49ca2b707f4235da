//===- await_count.h - A stream waits for a count ---------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <cuda_runtime.h>

namespace sluice::cuda {

/// What is enqueued on `stream` from here on starts once `*count`, in pinned
/// memory at the address that kernels know, has reached `value`, and sees what
/// was written before it did. Counts may wrap: up to half of them ahead is
/// taken for later.
cudaError_t awaitCount(cudaStream_t stream, const uint32_t *count,
                       uint32_t value);

} // namespace sluice::cuda
