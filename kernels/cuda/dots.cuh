//===- dots.cuh - Dot products of rows with weight rows ---------*- C++ -*-===//
//
// The heart of linear, expert_gate_up and expert_down, bound by the bandwidth
// at which weights arrive. A warp makes O outputs of R rows at once: lane l
// owns partial sum l of each, so that its 16-byte loads of a weight row are the
// warp's 512 contiguous bytes, and every weight is read once for R rows. The
// block holds the rows as f32 in shared memory. How many rows or outputs go
// together never touches the order inside one sum.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/runs.cuh"

namespace sluice::cuda {

constexpr int kDotWarps = 8;
constexpr int kDotThreads = kDotWarps * kWarp;
/// Floats of shared memory that blockDots needs at most: 32 KiB.
constexpr int kStagedFloats = 8192;

/// Elements of each row that are staged at a time.
template <int R> constexpr int kChunk = R == 8 ? 1024 : R == 4 ? 2048 : 4096;

/// Runs of each weight row that a lane has in flight: 8 loads together.
template <int O> constexpr int kRunsAhead = O >= 8 ? 1 : 8 / O;

struct Nothing {
  __device__ void operator()() const {}
};

/// acc[r * O + o] becomes lane l's partial sum of row r and weight row o;
/// follow with reduceMany. All threads of the block must call it. `row(r)`
/// gives the start of row r in elements of `in`, for r < valid; `weights` are
/// rows of the warp, any readable ones where `active` is false or the row is
/// not wanted. length is a multiple of 8, every row starts at a multiple of 16
/// bytes. The block has `Warps` warps. `ready` is called before the rows are
/// read, when the first weights are on their way.
template <typename W, int R, int O, int Warps = kDotWarps, typename Row,
          typename Ready = Nothing>
__device__ void blockDots(float *staged, int64_t length, const void *in,
                          DType inType, Row row, int valid,
                          const W *const (&weights)[O], bool active,
                          float (&acc)[R * O], Ready ready = {}) {
  constexpr int kRuns = kChunk<R> / kDotRun;
  constexpr int kAhead = kRunsAhead<O>;
  constexpr int kStep = kAhead * kDotBlock;
#pragma unroll
  for (int i = 0; i < R * O; ++i)
    acc[i] = 0.0f;
  for (int64_t start = 0; start < length; start += kChunk<R>) {
    int count = static_cast<int>(min(int64_t{kChunk<R>}, length - start));
    Run<W> raw[kAhead][O];
    auto fetch = [&](int base) {
#pragma unroll
      for (int a = 0; a < kAhead; ++a) {
        int i = base + a * kDotBlock + laneId() * kDotRun;
        if (i < count && active)
#pragma unroll
          for (int o = 0; o < O; ++o)
            raw[a][o].load(weights[o] + start + i);
      }
    };
    fetch(0); // on its way while the rows are staged
    if (start > 0)
      __syncthreads();
    else
      ready();
    for (int item = threadIdx.x; item < R * kRuns; item += Warps * kWarp) {
      int r = item / kRuns, run = item % kRuns;
      if (r >= valid || run * kDotRun >= count)
        continue;
      int64_t from = row(r) + start + run * kDotRun;
      float values[8];
      if (inType == DType::BF16) {
        Run<Bf16> bits;
        bits.read(static_cast<const Bf16 *>(in) + from);
        bits.expand(values);
      } else {
        Run<float> bits;
        bits.read(static_cast<const float *>(in) + from);
        bits.expand(values);
      }
      stageRun(staged + r * kChunk<R> + stagedIndex(run), values);
    }
    __syncthreads();
    for (int base = 0; base < count && active; base += kStep) {
      if (base > 0)
        fetch(base);
#pragma unroll
      for (int a = 0; a < kAhead; ++a) {
        int block = base + a * kDotBlock;
        if (block + laneId() * kDotRun >= count)
          continue;
        float w[O][8];
#pragma unroll
        for (int o = 0; o < O; ++o)
          raw[a][o].expand(w[o]);
#pragma unroll
        for (int r = 0; r < R; ++r) {
          float x[8];
          unstageRun(staged + r * kChunk<R> + block + laneId() * 4, x);
#pragma unroll
          for (int o = 0; o < O; ++o)
#pragma unroll
            for (int e = 0; e < 8; ++e)
              acc[r * O + o] = __fmaf_rn(x[e], w[o][e], acc[r * O + o]);
        }
      }
    }
  }
  __syncthreads(); // the caller may stage again
}

/// One step of reduceMany at `Distance`, then the rest. Recursive, so that
/// every index is a constant and the sums stay in registers.
template <int N, int Distance> __device__ float reduceStep(float *sums) {
  if constexpr (N > 1) {
    bool upper = (laneId() & Distance) != 0;
#pragma unroll
    for (int i = 0; i < N / 2; ++i) {
      float kept = upper ? sums[i + N / 2] : sums[i];
      float sent = upper ? sums[i] : sums[i + N / 2];
      sums[i] = kept + __shfl_xor_sync(kFullWarp, sent, Distance);
    }
    return reduceStep<N / 2, Distance / 2>(sums);
  } else if constexpr (Distance > 0) {
    sums[0] = sums[0] + __shfl_xor_sync(kFullWarp, sums[0], Distance);
    return reduceStep<1, Distance / 2>(sums);
  } else {
    return sums[0];
  }
}

/// The tree over N sums at once, N a power of two up to 32: after each step
/// only half of the sums are still wanted on a lane, so N sums cost 31 shuffles
/// at most instead of 5 N. An addition's operands may swap, so the bits are
/// warpTree's. Lane l gets total l / (32 / N).
template <int N> __device__ float reduceMany(float (&sums)[N]) {
  return reduceStep<N, kWarp / 2>(sums);
}

} // namespace sluice::cuda
