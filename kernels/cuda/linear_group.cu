//===- linear_group.cu - Matrix products of the same rows, portable -------===//
//
// The tiles of all matrices in one grid: a warp finds the matrix of its outputs
// and does what it would do in a launch of that matrix alone.
//
//===----------------------------------------------------------------------===//

#include "kernels/linear_group.h"

#include "kernels/cuda/linear.cuh"

namespace sluice::cuda {
namespace {

struct LinearGroup {
  Linear matrices[kGroupMatrices];
  /// The first warp's work of each matrix, counted over all of them. No warp
  /// reaches that of a matrix that is not there.
  int firstUnit[kGroupMatrices];
};

// Warps of neighbouring matrices may share a block: they read the same rows.
template <typename W, int R, int O, int Warps>
__global__ void __launch_bounds__(Warps *kWarp, kMinBlocks<W, R, O>)
    linearGroupKernel(const __grid_constant__ LinearGroup group,
                      int64_t rowBlocks) {
  __shared__ __align__(16) float staged[kLinearStaged<R>];
  letLaterBegin();
  int64_t firstRow = blockIdx.x % rowBlocks * R;
  int unit =
      static_cast<int>(blockIdx.x / rowBlocks * Warps + threadIdx.x / kWarp);
  int matrix = 0;
#pragma unroll
  for (int m = 1; m < kGroupMatrices; ++m)
    matrix += unit >= group.firstUnit[m];
  // A reference into the launch's constants: where results go is read when they
  // are there, and takes no registers before.
  linearTile<W, R, O, Warps>(staged, group.matrices[0], group.matrices[matrix],
                             firstRow, (unit - group.firstUnit[matrix]) * O);
}

} // namespace

cudaError_t linearGroup(const KernelArgs &args, int64_t rows,
                        const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  const int count = groupMatrices(args);
  LinearGroup group = {};
  int64_t outputs = 0;
  bool fits = true;
  for (int m = 0; m < count; ++m) {
    Linear &matrix = group.matrices[m];
    matrix = Linear(linearOfGroup(args, m), rows);
    outputs += matrix.outputs;
    fits = fits && matrix.hasWholeRuns() &&
           matrix.weightType == group.matrices[0].weightType;
  }
  // Warps are counted in 32 bits.
  constexpr int64_t kMostOutputs = int64_t{1} << 30;
  if (!fits || outputs > kMostOutputs) {
    for (int m = 0; m < count; ++m)
      if (cudaError_t error = linear(linearOfGroup(args, m), rows, context);
          error != cudaSuccess)
        return error;
    return cudaSuccess;
  }
  return withTile(
      group.matrices[0].weightType, rows, outputs, context, [&](auto tile) {
        using T = decltype(tile);
        int64_t rowBlocks = ceilDiv(rows, T::kRows), units = 0;
        for (int m = 0; m < kGroupMatrices; ++m) {
          group.firstUnit[m] = m < count ? static_cast<int>(units) : INT32_MAX;
          units += ceilDiv(group.matrices[m].outputs, T::kOutputs);
        }
        int64_t blocks = rowBlocks * ceilDiv(units, T::kWarps);
        return enqueue(context,
                       linearGroupKernel<typename T::Type, T::kRows,
                                         T::kOutputs, T::kWarps>,
                       dim3(static_cast<unsigned>(blocks)), T::kWarps * kWarp,
                       0, group, rowBlocks);
      });
}

} // namespace sluice::cuda
