//===- add.cu - Residual sums ---------------------------------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void addKernel(const T *a, const T *b, T *out, int64_t count) {
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count)
    out[i] = fromFloat<T>(toFloat(a[i]) + toFloat(b[i]));
}

} // namespace

cudaError_t add(const KernelArgs &args, int64_t rows,
                const CudaContext &context) {
  int64_t count = rows * args.dim[0];
  if (rows == 0)
    return cudaSuccess;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    addKernel<T><<<gridFor(count, 256), 256, 0, context.stream>>>(
        operand<const T>(args, 0), operand<const T>(args, 1),
        operand<T>(args, 2), count);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
