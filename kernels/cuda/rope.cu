//===- rope.cu - Rotary position embedding, half split --------------------===//

#include "kernels/cuda/rotate.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void ropeKernel(const T *in, const int *position,
                           const float *cosine, const float *sine, T *out,
                           int64_t heads, int64_t half, int64_t count) {
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count)
    return;
  int64_t column = i % half, head = i / half;
  int64_t angle = int64_t{position[head / heads]} * half + column;
  int64_t low = head * 2 * half + column, high = low + half;
  Pair rotated =
      rotate(toFloat(in[low]), toFloat(in[high]), cosine[angle], sine[angle]);
  out[low] = fromFloat<T>(rotated.low);
  out[high] = fromFloat<T>(rotated.high);
}

} // namespace

cudaError_t rope(const KernelArgs &args, int64_t rows,
                 const CudaContext &context) {
  int64_t heads = args.dim[0], half = args.dim[1] / 2;
  int64_t count = rows * heads * half;
  if (count == 0)
    return cudaSuccess;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    ropeKernel<T><<<gridFor(count, 128), 128, 0, context.stream>>>(
        operand<const T>(args, 0), operand<const int>(args, 1),
        operand<const float>(args, 2), operand<const float>(args, 3),
        operand<T>(args, 4), heads, half, count);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
