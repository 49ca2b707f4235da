//===- linear_group.cu - Matrix products of the same rows, portable -------===//
//
// The tiles of all matrices in one grid: a warp finds the matrix of its outputs
// and does what it would do in a launch of that matrix alone.
//
//===----------------------------------------------------------------------===//

#include "kernels/linear_group.h"

#include "kernels/cuda/linear_row.cuh"

namespace sluice::cuda {
namespace {

struct LinearGroup {
  Linear matrices[kGroupMatrices];
  /// The first warp's work of each matrix, counted over all of them. No warp
  /// reaches that of a matrix that is not there.
  int firstUnit[kGroupMatrices];
};

/// The matrix that a warp's work belongs to.
__device__ int matrixOf(const LinearGroup &group, int unit) {
  int matrix = 0;
#pragma unroll
  for (int m = 1; m < kGroupMatrices; ++m)
    matrix += unit >= group.firstUnit[m];
  return matrix;
}

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
  const int matrix = matrixOf(group, unit);
  // A reference into the launch's constants: where results go is read when they
  // are there, and takes no registers before.
  linearTile<W, R, O, Warps>(staged, group.matrices[0], group.matrices[matrix],
                             firstRow, (unit - group.firstUnit[matrix]) * O);
}

template <typename W, int Warps>
__global__ void __launch_bounds__(Warps *kWarp, kRowBlocks)
    linearGroupRowKernel(const __grid_constant__ LinearGroup group) {
  extern __shared__ uint4 memory[];
  letLaterBegin();
  const int unit = static_cast<int>(blockIdx.x * Warps + threadIdx.x / kWarp);
  const int matrix = matrixOf(group, unit);
  linearRow<W, Warps>(memory, group.matrices[0], group.matrices[matrix],
                      unit - group.firstUnit[matrix]);
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
  // With `each` outputs a warp; how many warps.
  auto share = [&](int each) {
    int64_t units = 0;
    for (int m = 0; m < kGroupMatrices; ++m) {
      group.firstUnit[m] = m < count ? static_cast<int>(units) : INT32_MAX;
      units += ceilDiv(group.matrices[m].outputs, each);
    }
    return units;
  };
  const DType weight = group.matrices[0].weightType;
  cudaError_t error = cudaSuccess;
  auto launchRow = [&](auto tile, int bytes) {
    using T = decltype(tile);
    auto *kernel = linearGroupRowKernel<typename T::Type, T::kWarps>;
    if (cudaError_t error = allowRowBytes(kernel); error != cudaSuccess)
      return error;
    return enqueue(context, kernel, gridFor(share(1), T::kWarps),
                   T::kWarps * kWarp, bytes, group);
  };
  if (withRowForm(weight, rows, group.matrices[0].inputs, outputs, context,
                  error, launchRow))
    return error;
  return withTile(weight, rows, outputs, context, [&](auto tile) {
    using T = decltype(tile);
    int64_t rowBlocks = ceilDiv(rows, T::kRows);
    int64_t units = share(T::kOutputs);
    int64_t blocks = rowBlocks * ceilDiv(units, T::kWarps);
    return enqueue(
        context,
        linearGroupKernel<typename T::Type, T::kRows, T::kOutputs, T::kWarps>,
        dim3(static_cast<unsigned>(blocks)), T::kWarps * kWarp, 0, group,
        rowBlocks);
  });
}

} // namespace sluice::cuda
