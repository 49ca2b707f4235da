//===- top_k.cu - The largest probabilities of each row -------------------===//

#include "kernels/cuda/select.cuh"

namespace sluice::cuda {
namespace {

// One warp a row.
__global__ void topKKernel(const float *probabilities, int *ids, float *weights,
                           int64_t experts, int64_t topK, bool normalize,
                           int64_t rows) {
  int64_t row =
      int64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (row >= rows)
    return;
  const float *p = probabilities + row * experts;
  if (isTopKOfRuns(experts, topK)) {
    float values[kDotRun] = {};
    forRun(experts, [&](int e, int i) { values[e] = p[i]; });
    runTopK(experts, topK, normalize, values, ids + row * topK,
            weights + row * topK);
    return;
  }
  warpTopK(
      experts, topK, normalize, [&](int64_t i) { return p[i]; },
      ids + row * topK, weights + row * topK);
}

} // namespace

cudaError_t topK(const KernelArgs &args, int64_t rows,
                 const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  constexpr int kThreads = 128;
  topKKernel<<<gridFor(rows, kThreads / kWarp), kThreads, 0, context.stream>>>(
      operand<const float>(args, 0), operand<int>(args, 1),
      operand<float>(args, 2), args.dim[0], args.dim[1], args.dim[2] != 0,
      rows);
  return cudaGetLastError();
}

} // namespace sluice::cuda
