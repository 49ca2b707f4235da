//===- expert_down.cu - inner D^T by expert, portable ---------------------===//

#include "kernels/cuda/experts.cuh"

namespace sluice::cuda {
namespace {

struct Down : ExpertArgs {
  int64_t hidden, inner, downOffset, firstOutput;
  float *out;
};

/// Outputs of a warp.
constexpr int kOutputs = 4;

template <typename W, int R>
__device__ void downRows(const Down &args, float *staged, int64_t slot,
                         const int *pairs, int valid) {
  int64_t first =
      args.firstOutput +
      (int64_t{blockIdx.y} * kDotWarps + threadIdx.x / kWarp) * kOutputs;
  const W *weights[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o)
    weights[o] = static_cast<const W *>(args.pool) + slot + args.downOffset +
                 min(first + o, args.hidden - 1) * args.inner;
  constexpr int kSums = R * kOutputs;
  float acc[kSums];
  blockDots<W, R, kOutputs>(
      staged, args.inner, args.in, DType::F32,
      [&](int r) { return pairs[r] * args.inner; }, valid, weights,
      first < args.hidden, acc);
  float total = reduceMany<kSums>(acc);
  constexpr int kSpread = kWarp / kSums;
  int index = laneId() / kSpread, r = index / kOutputs;
  int64_t output = first + index % kOutputs;
  if (laneId() % kSpread == 0 && r < valid && output < args.hidden)
    args.out[pairs[r] * args.hidden + output] = total;
}

template <typename W>
__global__ void __launch_bounds__(kDotThreads, 2)
    downKernel(Down args, bool byPair) {
  __shared__ __align__(16) float staged[kStagedFloats];
  beginInTurn();
  ExpertGroup group = findGroup(args, byPair, blockIdx.x, kExpertRows);
  if (group.expert < 0 || group.first == group.end)
    return;
  int64_t slot = args.slotStart(group.expert);
  for (int first = group.first; first < group.end; first += kExpertRows) {
    const int *pairs = args.order + first;
    int valid = min(kExpertRows, group.end - first);
    if (valid == 1)
      downRows<W, 1>(args, staged, slot, pairs, valid);
    else if (valid == 2)
      downRows<W, 2>(args, staged, slot, pairs, valid);
    else if (valid <= 4)
      downRows<W, 4>(args, staged, slot, pairs, valid);
    else
      downRows<W, 8>(args, staged, slot, pairs, valid);
  }
}

// Any sizes, types and alignments: one warp a pair and output.
__global__ void downScalarKernel(Down args) {
  ExpertGroup group = findGroup(args, true, blockIdx.x, 1);
  int64_t output = args.firstOutput +
                   int64_t{blockIdx.y} * (blockDim.x / kWarp) +
                   threadIdx.x / kWarp;
  if (group.expert < 0 || output >= args.hidden)
    return;
  int64_t pair = args.order[group.first], x = pair * args.inner;
  int64_t row =
      args.slotStart(group.expert) + args.downOffset + output * args.inner;
  float total = warpDot(
      args.inner,
      [&](int64_t i) { return static_cast<const float *>(args.in)[x + i]; },
      [&](int64_t i) { return loadAny(args.pool, args.poolType, row + i); });
  if (laneId() == 0)
    args.out[pair * args.hidden + output] = total;
}

} // namespace

cudaError_t expertDown(const KernelArgs &args, int64_t rows,
                       const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  Down sizes{{operand<const int>(args, 1), operand<const int>(args, 2),
              operand<const int>(args, 3), args.data[0], args.data[4],
              DType::F32, args.dtype[4], args.dim[0], args.dim[1], args.dim[5],
              rows * args.dim[1]},
             args.dim[2],
             args.dim[3],
             args.dim[6],
             args.dim[7],
             operand<float>(args, 5)};
  const int64_t outputs = sizes.hidden - sizes.firstOutput;
  if (sizes.inner % kDotRun != 0 || sizes.slotElements % kDotRun != 0 ||
      sizes.downOffset % kDotRun != 0 || !isAligned16(sizes.in) ||
      !isAligned16(sizes.pool)) {
    constexpr int kThreads = 128;
    dim3 grid(sizes.pairs, ceilDiv(outputs, kThreads / kWarp));
    downScalarKernel<<<grid, kThreads, 0, context.stream>>>(sizes);
    return cudaGetLastError();
  }
  return withWeight(args.dtype[4], [&](auto tag) {
    using W = typename decltype(tag)::Type;
    dim3 grid(expertUnits(sizes), ceilDiv(outputs, kDotWarps * kOutputs));
    return enqueue(context, downKernel<W>, grid, kDotThreads, 0, sizes,
                   expertsByPair(sizes));
  });
}

} // namespace sluice::cuda
