//===- norm.cuh - The sum of squares of a row by one block ------*- C++ -*-===//
//
// A dot product's order is one warp's work, its loads need not be: the block
// brings the row into shared memory with every thread, then the first warp
// sums.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {

/// Where element i lies in shared memory: lanes that read runs of 8 elements
/// then touch 32 different banks.
__device__ inline int64_t padded(int64_t i) { return i + i / kWarp; }

/// The widest row that is staged, and its bytes of shared memory.
constexpr int64_t kMaxStagedWidth = 11000;
inline size_t stagedBytes(int64_t width) {
  return static_cast<size_t>(width + width / kWarp + 1) * sizeof(float);
}
/// Threads of a block for a row this wide.
inline int normThreads(int64_t width) {
  return width <= 256 ? kWarp : width <= 1024 ? 128 : 256;
}

/// Calls `fetch(i)` once for each i < width, on some thread of the block, then
/// gives every thread the sum of the squares of what it returned. `again(i)`
/// must return the same value afterwards; it is used for rows too wide to stage
/// (`staged` false), and may be called by any thread after the barrier.
template <typename Fetch, typename Again>
__device__ float blockSquares(int64_t width, bool staged, Fetch fetch,
                              Again again) {
  extern __shared__ float row[];
  __shared__ float total;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
    float value = fetch(i);
    if (staged)
      row[padded(i)] = value;
  }
  __syncthreads();
  if (threadIdx.x < kWarp) {
    auto value = [&](int64_t i) { return staged ? row[padded(i)] : again(i); };
    float sum = warpDot(width, value, value);
    if (threadIdx.x == 0)
      total = sum;
  }
  __syncthreads();
  return total;
}

} // namespace sluice::cuda
