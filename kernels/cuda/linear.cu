//===- linear.cu - y = x W^T (+ bias), portable ---------------------------===//

#include "kernels/cuda/linear_row.cuh"

namespace sluice::cuda {
namespace {

// Blocks of the same outputs are neighbours, so that further rows find the
// weights in the L2.
template <typename W, int R, int O, int Warps>
__global__ void __launch_bounds__(Warps *kWarp, kMinBlocks<W, R, O>)
    linearKernel(Linear args, int64_t rowBlocks) {
  __shared__ __align__(16) float staged[kLinearStaged<R>];
  letLaterBegin();
  int64_t firstRow = blockIdx.x % rowBlocks * R;
  int64_t tile = blockIdx.x / rowBlocks;
  int64_t first = (tile * Warps + threadIdx.x / kWarp) * O;
  linearTile<W, R, O, Warps>(staged, args, args, firstRow, first);
}

template <typename W, int Warps>
__global__ void __launch_bounds__(Warps *kWarp, kRowBlocks)
    linearRowKernel(Linear args) {
  extern __shared__ uint4 memory[];
  letLaterBegin();
  linearRow<W, Warps>(memory, args, args,
                      int64_t{blockIdx.x} * Warps + threadIdx.x / kWarp);
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

} // namespace

cudaError_t linear(const KernelArgs &args, int64_t rows,
                   const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  Linear sizes(args, rows);
  if (!sizes.hasWholeRuns()) {
    constexpr int kThreads = 128;
    linearScalarKernel<<<gridFor(rows * sizes.outputs, kThreads / kWarp),
                         kThreads, 0, context.stream>>>(sizes);
    return cudaGetLastError();
  }
  cudaError_t error = cudaSuccess;
  auto launchRow = [&](auto tile, int bytes) {
    using T = decltype(tile);
    auto *kernel = linearRowKernel<typename T::Type, T::kWarps>;
    if (cudaError_t error = allowRowBytes(kernel); error != cudaSuccess)
      return error;
    return enqueue(context, kernel, gridFor(sizes.outputs, T::kWarps),
                   T::kWarps * kWarp, bytes, sizes);
  };
  if (withRowForm(sizes.weightType, rows, sizes.inputs, sizes.outputs, context,
                  error, launchRow))
    return error;
  return withTile(
      sizes.weightType, rows, sizes.outputs, context, [&](auto tile) {
        using T = decltype(tile);
        int64_t rowBlocks = ceilDiv(rows, T::kRows);
        int64_t blocks =
            rowBlocks * ceilDiv(sizes.outputs, T::kWarps * T::kOutputs);
        return enqueue(
            context,
            linearKernel<typename T::Type, T::kRows, T::kOutputs, T::kWarps>,
            dim3(static_cast<unsigned>(blocks)), T::kWarps * kWarp, 0, sizes,
            rowBlocks);
      });
}

} // namespace sluice::cuda
