//===- expert_gate_up_tensor.cu - gate and up by expert, matrix units -----===//

#include "kernels/cuda/grouped.cuh"

namespace sluice::cuda {
namespace {

struct GateUp : ExpertArgs {
  int64_t hidden, inner, gateOffset, upOffset;
  float *out;
};

using GateUpStage = Stage<Bf16, 2>;

__global__ void __launch_bounds__(kTileThreads)
    gateUpTensorKernel(GateUp args) {
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
    rowStart[threadIdx.x] = valid ? pair / args.topK * args.hidden : -1;
  }
  __syncthreads();
  int64_t firstColumn = int64_t{blockIdx.y} * kTile;
  const Bf16 *slot = static_cast<const Bf16 *>(args.pool) +
                     args.slotStart(tile.expert) + firstColumn * args.hidden;
  const Bf16 *const weights[2] = {slot + args.gateOffset, slot + args.upOffset};
  int columns = static_cast<int>(min(args.inner - firstColumn, int64_t{kTile}));
  float sums[2][2][4][4] = {};
  tileProduct<Bf16, 2>(reinterpret_cast<GateUpStage *>(memory),
                       static_cast<const Bf16 *>(args.in), rowStart, weights,
                       columns, static_cast<int>(args.hidden), sums);
  forEachResult([&](int row, int column, int i, int j, int c) {
    if (row >= tile.count || column >= columns)
      return;
    float2 result = {portableSilu(sums[0][i][j][c]) * sums[1][i][j][c],
                     portableSilu(sums[0][i][j][c + 1]) * sums[1][i][j][c + 1]};
    *reinterpret_cast<float2 *>(args.out + pairs[row] * args.inner +
                                firstColumn + column) = result;
  });
}

} // namespace

cudaError_t expertGateUpTensor(const KernelArgs &args, int64_t rows,
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
  if (args.dtype[0] != DType::BF16 || !isAligned16(args.data[5]) ||
      !tensorExperts(sizes, sizes.hidden, sizes.inner, sizes.gateOffset,
                     sizes.upOffset))
    return expertGateUp(args, rows, context);
  constexpr int kBytes = kStages * sizeof(GateUpStage);
  if (cudaError_t error = cudaFuncSetAttribute(
          gateUpTensorKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
          kBytes);
      error != cudaSuccess)
    return error;
  dim3 grid(maxTiles(sizes.experts, sizes.pairs), ceilDiv(sizes.inner, kTile));
  gateUpTensorKernel<<<grid, kTileThreads, kBytes, context.stream>>>(sizes);
  return cudaGetLastError();
}

} // namespace sluice::cuda
