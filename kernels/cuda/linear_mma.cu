//===- linear_mma.cu - y = x W^T (+ bias) on our own tiles ----------------===//
//
// The tensor form of linear where cuBLASLt is not given, or has no algorithm
// that keeps one order for every row count: tiles of 64 x 64 as the grouped
// expert products have them. Slower than the library, invariant by
// construction.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/grouped.cuh"

namespace sluice::cuda {
namespace {

struct Linear {
  const Bf16 *in, *weight;
  const void *bias;
  void *out;
  DType biasType, outType;
  int64_t inputs, outputs, rows;
};

using LinearStage = Stage<Bf16, 1>;

__global__ void __launch_bounds__(kTileThreads) linearMmaKernel(Linear args) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ int64_t rowStart[kTile];
  int64_t firstRow = int64_t{blockIdx.x} * kTile;
  int64_t firstColumn = int64_t{blockIdx.y} * kTile;
  int rows = static_cast<int>(min(args.rows - firstRow, int64_t{kTile}));
  int columns =
      static_cast<int>(min(args.outputs - firstColumn, int64_t{kTile}));
  if (threadIdx.x < kTile)
    rowStart[threadIdx.x] = static_cast<int>(threadIdx.x) < rows
                                ? (firstRow + threadIdx.x) * args.inputs
                                : -1;
  __syncthreads();
  const Bf16 *const weights[1] = {args.weight + firstColumn * args.inputs};
  float sums[1][2][4][4] = {};
  tileProduct<Bf16, 1>(reinterpret_cast<LinearStage *>(memory), args.in,
                       rowStart, weights, columns,
                       static_cast<int>(args.inputs), sums);
  forEachResult([&](int row, int column, int i, int j, int c) {
    if (row >= rows || column >= columns)
      return;
#pragma unroll
    for (int next = 0; next < 2; ++next) {
      int64_t output = firstColumn + column + next;
      float value = sums[0][i][j][c + next];
      if (args.bias)
        value = value + loadAny(args.bias, args.biasType, output);
      storeAny(args.out, args.outType, (firstRow + row) * args.outputs + output,
               value);
    }
  });
}

} // namespace

cudaError_t linearMma(const KernelArgs &args, int64_t rows,
                      const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  Linear sizes{operand<const Bf16>(args, 0),
               operand<const Bf16>(args, 1),
               args.data[2],
               args.data[3],
               args.dtype[2],
               args.dtype[3],
               args.dim[0],
               args.dim[1],
               rows};
  if (args.dtype[0] != DType::BF16 || args.dtype[1] != DType::BF16 ||
      sizes.inputs % 8 != 0 || sizes.outputs % 8 != 0 ||
      sizes.inputs >= (1 << 30) || !isAligned16(args.data[0]) ||
      !isAligned16(args.data[1]))
    return linear(args, rows, context);
  constexpr int kBytes = kStages * sizeof(LinearStage);
  if (cudaError_t error = cudaFuncSetAttribute(
          linearMmaKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
      error != cudaSuccess)
    return error;
  dim3 grid(ceilDiv(rows, kTile), ceilDiv(sizes.outputs, kTile));
  linearMmaKernel<<<grid, kTileThreads, kBytes, context.stream>>>(sizes);
  return cudaGetLastError();
}

} // namespace sluice::cuda
