//===- expert_combine.cu - A row's experts, summed in the router's order --===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

constexpr int kThreads = 64;

// With results, which may lie in host memory: each is read once, and only what
// is wanted of them.
template <typename T, bool Results>
__global__ void expertCombineKernel(const float *in, const float *weights,
                                    T *out, const float *results,
                                    const int *shares, int64_t topK,
                                    int64_t hidden) {
  constexpr int kAhead = 8; // ranks whose values are on their way together
  beginInTurn();
  const int64_t row = blockIdx.x;
  const int64_t column = int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (column >= hidden)
    return;
  float sum = 0.0f;
  const int64_t end = (row + 1) * topK;
  for (int64_t first = row * topK; first < end; first += kAhead) {
    const float *from[kAhead];
    float values[kAhead];
#pragma unroll
    for (int a = 0; a < kAhead; ++a) {
      from[a] = in;
      if constexpr (Results)
        if (first + a < end && column < shares[first + a])
          from[a] = results;
    }
#pragma unroll
    for (int a = 0; a < kAhead; ++a)
      if (first + a < end)
        values[a] = from[a][(first + a) * hidden + column];
#pragma unroll
    for (int a = 0; a < kAhead; ++a)
      if (first + a < end)
        sum = __fmaf_rn(weights[first + a], values[a], sum);
  }
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
    dim3 grid(static_cast<unsigned>(rows),
              static_cast<unsigned>(ceilDiv(hidden, kThreads)));
    auto kernel = args.dim[2] != 0 ? expertCombineKernel<T, true>
                                   : expertCombineKernel<T, false>;
    return enqueue(context, kernel, grid, kThreads, 0,
                   operand<const float>(args, 0), operand<const float>(args, 1),
                   operand<T>(args, 2), operand<const float>(args, 3),
                   operand<const int>(args, 4), topK, hidden);
  });
}

} // namespace sluice::cuda
