//===- select_rows.cu - The rows whose logits are wanted ------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void selectRowsKernel(const T *in, const int *row, T *out,
                                 int64_t hidden, int64_t count) {
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count)
    out[i] = in[int64_t{row[i / hidden]} * hidden + i % hidden];
}

} // namespace

cudaError_t selectRows(const KernelArgs &args, int64_t rows,
                       const CudaContext &context) {
  int64_t hidden = args.dim[0], count = rows * hidden;
  if (rows == 0)
    return cudaSuccess;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    selectRowsKernel<T><<<gridFor(count, 256), 256, 0, context.stream>>>(
        operand<const T>(args, 0), operand<const int>(args, 1),
        operand<T>(args, 2), hidden, count);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
