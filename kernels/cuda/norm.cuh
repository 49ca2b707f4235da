//===- norm.cuh - The sum of squares of a row by one block ------*- C++ -*-===//
//
// A dot product's order is one warp's work, its loads need not be: the block
// brings the row into shared memory with every thread, then the first warp
// sums. A row of whole runs has one run a thread, which stays in registers
// until the result is written; other rows go element by element.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/runs.cuh"

namespace sluice::cuda {

//===----------------------------------------------------------------------===//
// Rows of whole runs
//===----------------------------------------------------------------------===//

/// Threads of a block at most; the widest row is one run each.
constexpr int kMaxNormThreads = 1024;

/// Whether rows this wide are whole runs, one a thread.
inline bool isNormOfRuns(int64_t width) {
  return width % kDotRun == 0 && width <= int64_t{kMaxNormThreads} * kDotRun;
}
inline unsigned runThreads(int64_t width) {
  return static_cast<unsigned>(ceilDiv(width / kDotRun, kWarp) * kWarp);
}
inline size_t runBytes(int64_t width) {
  return static_cast<size_t>(ceilDiv(width, kDotBlock)) * kDotBlock *
         sizeof(float);
}

/// The sum of the squares of a row of `runs` runs, of which thread t of the
/// block brings run t; all threads must call it, with runBytes of shared
/// memory.
__device__ inline float runSquares(const float (&values)[kDotRun], int runs) {
  extern __shared__ float4 stagedRuns[];
  __shared__ float total;
  auto *staged = reinterpret_cast<float *>(stagedRuns);
  int thread = static_cast<int>(threadIdx.x);
  if (thread < runs)
    stageRun(staged + stagedIndex(thread), values);
  __syncthreads();
  if (thread < kWarp) {
    constexpr int kAhead = 4; // runs of a lane that are read before the first
    float sum = 0.0f;
    for (int base = thread; base < runs; base += kAhead * kWarp) {
      float x[kAhead][kDotRun];
#pragma unroll
      for (int a = 0; a < kAhead; ++a)
        if (base + a * kWarp < runs)
          unstageRun(staged + stagedIndex(base + a * kWarp), x[a]);
#pragma unroll
      for (int a = 0; a < kAhead; ++a)
        if (base + a * kWarp < runs)
#pragma unroll
          for (int e = 0; e < kDotRun; ++e)
            sum = __fmaf_rn(x[a][e], x[a][e], sum);
    }
    __syncwarp();
    sum = warpTree(sum);
    if (thread == 0)
      total = sum;
  }
  __syncthreads();
  return total;
}

/// The sum of the runs at `a` and `b`, which a kernel in front may have made.
template <typename T>
__device__ void addRuns(const T *a, const T *b, float (&values)[kDotRun]) {
  Run<T> left, right;
  left.read(a);
  right.read(b);
  float addends[kDotRun];
  left.expand(values);
  right.expand(addends);
#pragma unroll
  for (int e = 0; e < kDotRun; ++e)
    values[e] = values[e] + addends[e];
}

/// Stores weight * (x * factor) for one run.
template <typename T, typename W>
__device__ void storeScaled(T *to, const Run<W> &weight,
                            float (&values)[kDotRun], float factor) {
  float w[kDotRun];
  weight.expand(w);
#pragma unroll
  for (int e = 0; e < kDotRun; ++e)
    values[e] = w[e] * (values[e] * factor);
  storeRun(to, values);
}

/// A thread's run of the block's row, and of the weight, in a kernel of
/// runThreads that `enqueue` launches.
template <typename W> class NormRun {
public:
  /// Loads the weight, which nobody writes, while the kernel in front ends.
  __device__ NormRun(const W *weight, int width)
      : width(width), runs(width / kDotRun) {
    int column = static_cast<int>(threadIdx.x) * kDotRun;
    active = column < width;
    at = int64_t{blockIdx.x} * width + column;
    letLaterBegin();
    if (active)
      scale.loadAhead(weight + column);
    awaitEarlier();
  }

  /// Stores the norm of the row of which `values` is the thread's run; all
  /// threads must call it, with runBytes of shared memory.
  template <typename T>
  __device__ void store(T *out, float (&values)[kDotRun], float eps) const {
    float squares = runSquares(values, runs);
    float factor = rmsFactor(squares, width, eps);
    if (active)
      storeScaled(out + at, scale, values, factor);
  }

  bool active; ///< Whether the row has a run for the thread,
  int64_t at;  ///< and where it begins.

private:
  int width, runs;
  Run<W> scale;
};

//===----------------------------------------------------------------------===//
// Any rows
//===----------------------------------------------------------------------===//

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
