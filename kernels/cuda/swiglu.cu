//===- swiglu.cu - silu(gate) * up ----------------------------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void swigluKernel(const T *gate, const T *up, T *out,
                             int64_t count) {
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count)
    out[i] = fromFloat<T>(portableSilu(toFloat(gate[i])) * toFloat(up[i]));
}

} // namespace

cudaError_t swiglu(const KernelArgs &args, int64_t rows,
                   const CudaContext &context) {
  int64_t count = rows * args.dim[0];
  if (rows == 0)
    return cudaSuccess;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    swigluKernel<T><<<gridFor(count, 256), 256, 0, context.stream>>>(
        operand<const T>(args, 0), operand<const T>(args, 1),
        operand<T>(args, 2), count);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
