//===- expert_down_tensor.cu - inner D^T by expert, matrix units ----------===//

#include "kernels/cuda/grouped.cuh"

namespace sluice::cuda {
namespace {

struct Down : ExpertArgs {
  int64_t hidden, inner, downOffset, firstOutput;
  float *out;
};

/// `inner` arrives as f32 and is rounded to bf16 on its way to the matrix
/// units.
using DownStage = Stage<float, 1>;

__global__ void __launch_bounds__(kTileThreads) downTensorKernel(Down args) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ int64_t rowStart[kTile];
  __shared__ int pairs[kTile];
  PairTile tile = findTile(args, blockIdx.x);
  if (tile.count == 0)
    return;
  if (threadIdx.x < kTile) {
    bool valid = static_cast<int>(threadIdx.x) < tile.count;
    int pair = valid ? args.order[tile.first + threadIdx.x] : 0;
    pairs[threadIdx.x] = pair;
    rowStart[threadIdx.x] = valid ? pair * args.inner : -1;
  }
  __syncthreads();
  int64_t firstColumn = args.firstOutput + int64_t{blockIdx.y} * kTile;
  const Bf16 *const weights[1] = {static_cast<const Bf16 *>(args.pool) +
                                  args.slotStart(tile.expert) +
                                  args.downOffset + firstColumn * args.inner};
  int columns =
      static_cast<int>(min(args.hidden - firstColumn, int64_t{kTile}));
  float sums[1][2][4][4] = {};
  tileProduct<float, 1>(reinterpret_cast<DownStage *>(memory),
                        static_cast<const float *>(args.in), rowStart, weights,
                        columns, static_cast<int>(args.inner), sums);
  forEachResult([&](int row, int column, int i, int j, int c) {
    if (row >= tile.count || column >= columns)
      return;
    *reinterpret_cast<float2 *>(args.out + pairs[row] * args.hidden +
                                firstColumn + column) = {sums[0][i][j][c],
                                                         sums[0][i][j][c + 1]};
  });
}

} // namespace

cudaError_t expertDownTensor(const KernelArgs &args, int64_t rows,
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
  // Results are written in pairs.
  if (!isAligned16(args.data[5]) || sizes.firstOutput % 2 != 0 ||
      !tensorExperts(sizes, sizes.hidden, sizes.inner, sizes.downOffset, 0))
    return expertDown(args, rows, context);
  constexpr int kBytes = kStages * sizeof(DownStage);
  if (cudaError_t error = cudaFuncSetAttribute(
          downTensorKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
          kBytes);
      error != cudaSuccess)
    return error;
  dim3 grid(maxTiles(sizes.experts, sizes.pairs),
            ceilDiv(sizes.hidden - sizes.firstOutput, kTile));
  downTensorKernel<<<grid, kTileThreads, kBytes, context.stream>>>(sizes);
  return cudaGetLastError();
}

} // namespace sluice::cuda
