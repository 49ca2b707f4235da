//===- expert_gate_up.cu - silu(x G^T) * (x U^T) by expert, portable ------===//

#include "kernels/cuda/experts.cuh"

namespace sluice::cuda {
namespace {

struct GateUp : ExpertArgs {
  int64_t hidden, inner, gateOffset, upOffset;
  float *out;
};

/// Outputs of a warp: each needs a gate row and an up row.
constexpr int kOutputs = 2;

template <typename W, int R>
__device__ void gateUpRows(const GateUp &args, float *staged, int64_t slot,
                           const int *pairs, int valid) {
  int64_t first =
      (int64_t{blockIdx.y} * kDotWarps + threadIdx.x / kWarp) * kOutputs;
  const W *weights[2 * kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) {
    int64_t row = slot + min(first + o, args.inner - 1) * args.hidden;
    weights[2 * o] = static_cast<const W *>(args.pool) + row + args.gateOffset;
    weights[2 * o + 1] =
        static_cast<const W *>(args.pool) + row + args.upOffset;
  }
  constexpr int kSums = R * 2 * kOutputs;
  float acc[kSums];
  blockDots<W, R, 2 * kOutputs>(
      staged, args.hidden, args.in, args.inType,
      [&](int r) { return pairs[r] / args.topK * args.hidden; }, valid, weights,
      first < args.inner, acc);
  float total = reduceMany<kSums>(acc);
  // Gate and up of an output are neighbours in index, kSpread lanes apart.
  constexpr int kSpread = kWarp / kSums;
  float up = __shfl_down_sync(kFullWarp, total, kSpread);
  int index = laneId() / kSpread / 2, r = index / kOutputs;
  int64_t output = first + index % kOutputs;
  if (laneId() % (2 * kSpread) == 0 && r < valid && output < args.inner)
    args.out[pairs[r] * args.inner + output] = portableSilu(total) * up;
}

template <typename W>
__global__ void __launch_bounds__(kDotThreads, 2)
    gateUpKernel(GateUp args, bool byPair) {
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
      gateUpRows<W, 1>(args, staged, slot, pairs, valid);
    else if (valid == 2)
      gateUpRows<W, 2>(args, staged, slot, pairs, valid);
    else if (valid <= 4)
      gateUpRows<W, 4>(args, staged, slot, pairs, valid);
    else
      gateUpRows<W, 8>(args, staged, slot, pairs, valid);
  }
}

// Any sizes, types and alignments: one warp a pair and output.
__global__ void gateUpScalarKernel(GateUp args) {
  ExpertGroup group = findGroup(args, true, blockIdx.x, 1);
  int64_t output =
      int64_t{blockIdx.y} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (group.expert < 0 || output >= args.inner)
    return;
  int64_t pair = args.order[group.first], x = pair / args.topK * args.hidden;
  int64_t row = args.slotStart(group.expert) + output * args.hidden;
  auto in = [&](int64_t i) { return loadAny(args.in, args.inType, x + i); };
  float gate = warpDot(args.hidden, in, [&](int64_t i) {
    return loadAny(args.pool, args.poolType, row + args.gateOffset + i);
  });
  float up = warpDot(args.hidden, in, [&](int64_t i) {
    return loadAny(args.pool, args.poolType, row + args.upOffset + i);
  });
  if (laneId() == 0)
    args.out[pair * args.inner + output] = portableSilu(gate) * up;
}

} // namespace

cudaError_t expertGateUp(const KernelArgs &args, int64_t rows,
                         const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  GateUp sizes{{operand<const int>(args, 1), operand<const int>(args, 2),
                operand<const int>(args, 3), args.data[0], args.data[4],
                args.dtype[0], args.dtype[4], args.dim[0], args.dim[1],
                args.dim[5], rows * args.dim[1]},
               args.dim[2],
               args.dim[3],
               args.dim[6],
               args.dim[7],
               operand<float>(args, 5)};
  if (sizes.hidden % kDotRun != 0 || sizes.slotElements % kDotRun != 0 ||
      sizes.gateOffset % kDotRun != 0 || sizes.upOffset % kDotRun != 0 ||
      !isAligned16(sizes.in) || !isAligned16(sizes.pool)) {
    constexpr int kThreads = 128;
    dim3 grid(sizes.pairs, ceilDiv(sizes.inner, kThreads / kWarp));
    gateUpScalarKernel<<<grid, kThreads, 0, context.stream>>>(sizes);
    return cudaGetLastError();
  }
  return withWeight(args.dtype[4], [&](auto tag) {
    using W = typename decltype(tag)::Type;
    dim3 grid(expertUnits(sizes), ceilDiv(sizes.inner, kDotWarps * kOutputs));
    return enqueue(context, gateUpKernel<W>, grid, kDotThreads, 0, sizes,
                   expertsByPair(sizes));
  });
}

} // namespace sluice::cuda
