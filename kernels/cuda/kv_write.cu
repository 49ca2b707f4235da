//===- kv_write.cu - Keys and values into their pages ---------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void
kvWriteKernel(const T *k, const T *v, const int *position, const int *sequence,
              const int *pageTable, T *kCache, T *vCache, int64_t width,
              int64_t pageTokens, int64_t pagesPerSequence, int64_t count) {
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count)
    return;
  int64_t row = i / width;
  int64_t token = kvToken(pageTable, pagesPerSequence, pageTokens,
                          sequence[row], position[row]);
  int64_t target = token * width + i % width;
  kCache[target] = k[i];
  vCache[target] = v[i];
}

} // namespace

cudaError_t kvWrite(const KernelArgs &args, int64_t rows,
                    const CudaContext &context) {
  int64_t width = args.dim[0] * args.dim[1], count = rows * width;
  if (rows == 0)
    return cudaSuccess;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    kvWriteKernel<T><<<gridFor(count, 128), 128, 0, context.stream>>>(
        operand<const T>(args, 0), operand<const T>(args, 1),
        operand<const int>(args, 2), operand<const int>(args, 3),
        operand<const int>(args, 4), operand<T>(args, 5), operand<T>(args, 6),
        width, args.dim[3], args.dim[5], count);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
