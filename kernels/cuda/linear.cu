//===- linear.cu - y = x W^T (+ bias), portable ---------------------------===//

#include "kernels/cuda/dots.cuh"

namespace sluice::cuda {
namespace {

struct Linear {
  const void *in, *weight, *bias;
  void *out;
  DType inType, weightType, biasType, outType;
  int64_t inputs, outputs, rows;

  __device__ void store(int64_t row, int64_t output, float value) const {
    if (bias)
      value = value + loadAny(bias, biasType, output);
    storeAny(out, outType, row * outputs + output, value);
  }
};

/// Blocks that a multiprocessor has room for at least. One row's product is all
/// waiting for weights, of which more blocks have more in flight.
template <typename W, int R, int O>
constexpr int kMinBlocks = R * O == 1 && sizeof(W) == 2 ? 4 : 2;

// One warp makes O outputs of R rows. Blocks of the same outputs are
// neighbours, so that further rows find the weights in the L2.
template <typename W, int R, int O, int Warps>
__global__ void __launch_bounds__(Warps *kWarp, kMinBlocks<W, R, O>)
    linearKernel(Linear args, int64_t rowBlocks) {
  __shared__ __align__(16) float staged[R * kChunk<R>];
  letLaterBegin();
  int64_t firstRow = blockIdx.x % rowBlocks * R;
  int64_t tile = blockIdx.x / rowBlocks;
  int64_t first = (tile * Warps + threadIdx.x / kWarp) * O;
  int valid = static_cast<int>(min(int64_t{R}, args.rows - firstRow));
  const W *weights[O];
#pragma unroll
  for (int o = 0; o < O; ++o)
    weights[o] = static_cast<const W *>(args.weight) +
                 min(first + o, args.outputs - 1) * args.inputs;
  // Weights have nothing to wait for. Behind what blockDots has in flight the
  // rest of few rows is asked for as far as the L2.
  auto ready = [&] {
    constexpr int kPiece = 64; // elements, at least a line of the L2
    if constexpr (O == 1)
      for (int64_t i = kRunsAhead<O> * kDotBlock + laneId() * kPiece;
           i < args.inputs; i += kWarp * kPiece)
        prefetch(weights[0] + i);
    awaitEarlier();
  };
  float acc[R * O];
  blockDots<W, R, O, Warps>(
      staged, args.inputs, args.in, args.inType,
      [&](int r) { return (firstRow + r) * args.inputs; }, valid, weights,
      first < args.outputs, acc, ready);
  float total = reduceMany<R * O>(acc);
  constexpr int kSpread = kWarp / (R * O);
  int index = laneId() / kSpread, r = index / O, o = index % O;
  if (laneId() % kSpread == 0 && r < valid && first + o < args.outputs)
    args.store(firstRow + r, first + o, total);
}

// Any sizes, types and alignments: one warp a row and output.
__global__ void linearScalarKernel(Linear args) {
  int64_t item =
      int64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (item >= args.rows * args.outputs)
    return;
  int64_t row = item / args.outputs, output = item % args.outputs;
  int64_t x = row * args.inputs, w = output * args.inputs;
  float total = warpDot(
      args.inputs,
      [&](int64_t i) { return loadAny(args.in, args.inType, x + i); },
      [&](int64_t i) { return loadAny(args.weight, args.weightType, w + i); });
  if (laneId() == 0)
    args.store(row, output, total);
}

template <typename W, int R, int O, int Warps = kDotWarps>
cudaError_t launchTile(const Linear &args, const CudaContext &context) {
  int64_t rowBlocks = ceilDiv(args.rows, R);
  dim3 grid(
      static_cast<unsigned>(rowBlocks * ceilDiv(args.outputs, Warps * O)));
  return enqueue(context, linearKernel<W, R, O, Warps>, grid, Warps * kWarp, 0,
                 args, rowBlocks);
}

// More outputs a warp mean fewer reads of shared memory, as long as there are
// enough of them to keep all multiprocessors busy. One row's few outputs go to
// small blocks, so that most multiprocessors get some.
template <typename W, int R, int Few>
cudaError_t launchRows(const Linear &args, const CudaContext &context) {
  int64_t blocks = ceilDiv(args.rows, R) * ceilDiv(args.outputs, kDotWarps * 4);
  if (blocks >= 2 * context.multiprocessors)
    return launchTile<W, R, 4>(args, context);
  if constexpr (R == 1)
    if (ceilDiv(args.outputs, kDotWarps) < context.multiprocessors)
      return launchTile<W, 1, 1, kDotWarps / 2>(args, context);
  return launchTile<W, R, Few>(args, context);
}

} // namespace

cudaError_t linear(const KernelArgs &args, int64_t rows,
                   const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  Linear sizes{args.data[0],  args.data[1],  args.data[2],  args.data[3],
               args.dtype[0], args.dtype[1], args.dtype[2], args.dtype[3],
               args.dim[0],   args.dim[1],   rows};
  if (sizes.inputs == 0 || sizes.inputs % kDotRun != 0 ||
      !isAligned16(sizes.in) || !isAligned16(sizes.weight)) {
    constexpr int kThreads = 128;
    linearScalarKernel<<<gridFor(rows * sizes.outputs, kThreads / kWarp),
                         kThreads, 0, context.stream>>>(sizes);
    return cudaGetLastError();
  }
  return withWeight(args.dtype[1], [&](auto tag) {
    using W = typename decltype(tag)::Type;
    if (rows == 1)
      return launchRows<W, 1, 1>(sizes, context);
    if (rows == 2)
      return launchRows<W, 2, 1>(sizes, context);
    if (rows <= 4)
      return launchRows<W, 4, 2>(sizes, context);
    return launchRows<W, 8, 2>(sizes, context);
  });
}

} // namespace sluice::cuda
