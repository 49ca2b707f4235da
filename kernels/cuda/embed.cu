//===- embed.cu - Rows of the embedding table -----------------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void embedKernel(const int *tokens, const void *table, DType type,
                            T *out, int64_t hidden, int64_t count) {
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count)
    return;
  int64_t token = tokens[i / hidden];
  out[i] = fromFloat<T>(loadAny(table, type, token * hidden + i % hidden));
}

} // namespace

cudaError_t embed(const KernelArgs &args, int64_t rows,
                  const CudaContext &context) {
  int64_t hidden = args.dim[1], count = rows * hidden;
  if (rows == 0)
    return cudaSuccess;
  return withActivation(args.dtype[2], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    embedKernel<T><<<gridFor(count, 256), 256, 0, context.stream>>>(
        operand<const int>(args, 0), args.data[1], args.dtype[1],
        operand<T>(args, 2), hidden, count);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
