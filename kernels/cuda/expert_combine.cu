//===- expert_combine.cu - A row's experts, summed in the router's order --===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

template <typename T>
__global__ void expertCombineKernel(const float *in, const float *weights,
                                    T *out, int64_t topK, int64_t hidden) {
  beginInTurn();
  int64_t row = blockIdx.x;
  int64_t column = int64_t{blockIdx.y} * blockDim.x + threadIdx.x;
  if (column >= hidden)
    return;
  float sum = 0.0f;
#pragma unroll 8
  for (int64_t rank = row * topK; rank < (row + 1) * topK; ++rank)
    sum = __fmaf_rn(weights[rank], in[rank * hidden + column], sum);
  out[row * hidden + column] = fromFloat<T>(sum);
}

} // namespace

cudaError_t expertCombine(const KernelArgs &args, int64_t rows,
                          const CudaContext &context) {
  int64_t topK = args.dim[0], hidden = args.dim[1];
  if (rows == 0)
    return cudaSuccess;
  return withActivation(args.dtype[2], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    constexpr int kThreads = 64;
    dim3 grid(static_cast<unsigned>(rows),
              static_cast<unsigned>(ceilDiv(hidden, kThreads)));
    return enqueue(context, expertCombineKernel<T>, grid, kThreads, 0,
                   operand<const float>(args, 0), operand<const float>(args, 1),
                   operand<T>(args, 2), topK, hidden);
  });
}

} // namespace sluice::cuda
