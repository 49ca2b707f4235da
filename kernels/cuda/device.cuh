//===- device.cuh - What all CUDA kernels share -----------------*- C++ -*-===//
//
// Element access by type and the written summation tree of a warp; with
// enqueue.cuh, the few host lines every launch needs. Arithmetic: plain
// operators round once each (--fmad=false), a fused multiply-add is written
// __fmaf_rn.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/convert.h"
#include "kernels/cuda/enqueue.cuh"
#include "kernels/portable_math.h"

#include <cuda_fp16.h>

namespace sluice::cuda {

constexpr unsigned kFullWarp = 0xffffffffu;
constexpr int kWarp = 32;

__device__ inline int laneId() { return static_cast<int>(threadIdx.x) % kWarp; }

/// The last step of every dot product and sum: all lanes get the total.
__device__ inline float warpTree(float sum) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    sum = sum + __shfl_xor_sync(kFullWarp, sum, distance);
  return sum;
}

/// The largest value of the warp; NaN only where all are.
__device__ inline float warpMax(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(kFullWarp, value, distance));
  return value;
}

/// An element whose type is only known at run time.
__device__ inline float loadAny(const void *data, DType type, int64_t index) {
  switch (type) {
  case DType::BF16:
    return toFloat(static_cast<const Bf16 *>(data)[index]);
  case DType::F16:
    return toFloat(static_cast<const Half *>(data)[index]);
  default:
    return static_cast<const float *>(data)[index];
  }
}

__device__ inline void storeAny(void *data, DType type, int64_t index,
                                float value) {
  if (type == DType::BF16)
    static_cast<Bf16 *>(data)[index] = toBf16(value);
  else
    static_cast<float *>(data)[index] = value;
}

/// The dot product of two rows by one warp, element by element; all lanes get
/// it. `x` and `w` are functions of the index.
template <typename X, typename W>
__device__ float warpDot(int64_t length, X x, W w) {
  float sum = 0.0f;
  for (int64_t block = int64_t{laneId()} * kDotRun; block < length;
       block += kDotBlock)
    for (int64_t i = block; i < min(block + kDotRun, length); ++i)
      sum = __fmaf_rn(x(i), w(i), sum);
  return warpTree(sum);
}

/// The sum of a row by one warp, in the order of a dot product.
template <typename X> __device__ float warpSum(int64_t length, X x) {
  float sum = 0.0f;
  for (int64_t block = int64_t{laneId()} * kDotRun; block < length;
       block += kDotBlock)
    for (int64_t i = block; i < min(block + kDotRun, length); ++i)
      sum = sum + x(i);
  return warpTree(sum);
}

/// The factor of rms_norm: 1 / sqrt(sum of squares / width + eps).
__device__ inline float rmsFactor(float sumOfSquares, int64_t width,
                                  float eps) {
  float mean = __fdiv_rn(sumOfSquares, static_cast<float>(width));
  return __fdiv_rn(1.0f, __fsqrt_rn(mean + eps));
}

/// Where the KV of a position lies: its token index in the pool of pages.
__device__ inline int64_t kvToken(const int *pageTable,
                                  int64_t pagesPerSequence, int64_t pageTokens,
                                  int64_t sequence, int64_t position) {
  // Positions are below 2^31, and to divide 32 bits is several times faster.
  auto at = static_cast<unsigned>(position);
  auto tokens = static_cast<unsigned>(min(pageTokens, int64_t{1} << 31));
  int64_t page = pageTable[sequence * pagesPerSequence + at / tokens];
  return page * pageTokens + at % tokens;
}

//===----------------------------------------------------------------------===//
// Kernels that begin before the one in front has ended
//===----------------------------------------------------------------------===//

/// Waits until all work in front on the stream is over and its writes are seen.
/// A kernel launched by `enqueue` calls it on every thread before it reads or
/// writes any memory but weights, which nothing writes while a step runs. The
/// compiler moves no plain load up across it, but might move one of __ldg.
__device__ inline void awaitEarlier() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Lets the next kernel on the stream begin, once all blocks of this one called
/// it or ended.
__device__ inline void letLaterBegin() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Both, for a kernel that has nothing to do ahead.
__device__ inline void beginInTurn() {
  letLaterBegin();
  awaitEarlier();
}

} // namespace sluice::cuda
