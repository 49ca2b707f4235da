//===- linear_row.cuh - Products of one row ---------------------*- C++ -*-===//
//
// One row's product with a matrix is all waiting for weights. Here a warp asks
// for the whole weight row of its output before the row that is multiplied is
// there: shared memory holds more on the way than registers, so that all blocks
// of a middling matrix are on the device at once, and while the kernels in
// front are running their weights arrive. Sums go in the order of blockDots.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/copies.cuh"
#include "kernels/cuda/linear.cuh"

namespace sluice::cuda {

/// Shared memory of a block at most: two fit a multiprocessor of compute
/// capability 9.0, one where there is less.
constexpr int kMostRowBytes = 96 << 10;
/// Blocks for which a multiprocessor has registers at least.
constexpr int kRowBlocks = 5;

/// Elements of a row with whole kDotBlocks.
__host__ __device__ constexpr int64_t stagedFloats(int64_t inputs) {
  return (inputs + kDotBlock - 1) / kDotBlock * kDotBlock;
}

/// Shared memory of a block of `warps` warps.
template <typename W> int64_t rowBytes(int64_t inputs, int warps) {
  return stagedFloats(inputs) * static_cast<int64_t>(sizeof(float)) +
         warps * inputs * static_cast<int64_t>(sizeof(W));
}

/// One warp makes output `first`, where there is such; all threads of the block
/// call it. `args` and `own` are those of linearTile with one row. `memory`:
/// rowBytes, at a multiple of 16.
template <typename W, int Warps>
__device__ __forceinline__ void linearRow(void *memory, const Linear &args,
                                          const Linear &own, int64_t first) {
  const int inputs = static_cast<int>(args.inputs);
  const bool active = first < own.outputs;
  auto *staged = static_cast<float *>(memory);
  W *weights = reinterpret_cast<W *>(staged + stagedFloats(inputs)) +
               threadIdx.x / kWarp * inputs;
  const W *from =
      static_cast<const W *>(own.weight) + (active ? first : 0) * args.inputs;
  const int lane = laneId() * kDotRun;
  // Each lane copies what it multiplies.
  for (int i = lane; i < inputs; i += kDotBlock)
#pragma unroll
    for (int at = 0; at < kDotRun; at += 16 / sizeof(W))
      copyAsync(weights + i + at, from + i + at, active);
  commitCopies();
  awaitEarlier();
  for (int run = threadIdx.x; run * kDotRun < inputs; run += Warps * kWarp) {
    float values[kDotRun];
    if (args.inType == DType::BF16) {
      Run<Bf16> bits;
      bits.read(static_cast<const Bf16 *>(args.in) + run * kDotRun);
      bits.expand(values);
    } else {
      Run<float> bits;
      bits.read(static_cast<const float *>(args.in) + run * kDotRun);
      bits.expand(values);
    }
    stageRun(staged + stagedIndex(run), values);
  }
  waitCopies<0>();
  __syncthreads();
  float sum[1] = {0.0f};
#pragma unroll 4
  for (int i = lane; i < inputs; i += kDotBlock) {
    Run<W> bits;
    bits.read(weights + i);
    float w[kDotRun], x[kDotRun];
    bits.expand(w);
    unstageRun(staged + i - lane + laneId() * 4, x);
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      sum[0] = __fmaf_rn(x[e], w[e], sum[0]);
  }
  const float total = reduceMany<1>(sum);
  if (laneId() == 0 && active)
    own.store(0, first, total);
}

/// Calls `launch` with a Tile of one row and output, whose kWarps warps a block
/// do with kMostRowBytes, and with the bytes; false where there is none, or
/// where more outputs a warp are better.
template <typename Launch>
bool withRowForm(DType weight, int64_t rows, int64_t inputs, int64_t outputs,
                 const CudaContext &context, cudaError_t &error,
                 Launch launch) {
  constexpr int kMostOutputs = 4 * kDotWarps;
  if (context.architecture < 90 || rows != 1 || byteSize(weight) != 2 ||
      ceilDiv(outputs, kMostOutputs) >= 2 * context.multiprocessors)
    return false;
  const bool isFew = ceilDiv(outputs, kDotWarps) < context.multiprocessors;
  auto choose = [&](auto tag) {
    using W = typename decltype(tag)::Type;
    if constexpr (sizeof(W) == 2) {
      const int64_t bytes = rowBytes<W>(inputs, kDotWarps);
      const int64_t half = rowBytes<W>(inputs, kDotWarps / 2);
      if (!isFew && bytes <= kMostRowBytes) {
        error = launch(Tile<W, 1, 1>{}, static_cast<int>(bytes));
        return true;
      }
      if (half <= kMostRowBytes) {
        error = launch(Tile<W, 1, 1, kDotWarps / 2>{}, static_cast<int>(half));
        return true;
      }
    }
    return false;
  };
  bool found = false;
  (void)withWeight(weight, [&](auto tag) {
    found = choose(tag);
    return cudaSuccess;
  });
  return found;
}

/// The most shared memory that the form takes, so that no thread lowers it for
/// another.
template <typename Kernel> cudaError_t allowRowBytes(Kernel *kernel) {
  return cudaFuncSetAttribute(
      kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kMostRowBytes);
}

} // namespace sluice::cuda
