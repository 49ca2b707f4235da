//===- route.cu - Softmax, top-k and normalisation in one -----------------===//

#include "kernels/cuda/select.cuh"

namespace sluice::cuda {
namespace {

/// Rows of up to this many experts keep their probabilities in shared memory;
/// wider ones compute them again for every rank.
constexpr int64_t kMaxStaged = 8192;

// All kernels: one warp, and one block, a row.

// A row of few experts lies in the warp's registers. Whole runs at multiples of
// 16 bytes are loaded as such.
template <bool Whole>
__global__ void __launch_bounds__(kWarp)
    routeRunsKernel(const float *logits, int *ids, float *weights,
                    int64_t experts, int64_t topK, bool normalize) {
  beginInTurn();
  int64_t row = blockIdx.x;
  const float *x = logits + row * experts;
  float values[kDotRun] = {};
  if constexpr (Whole) {
    if (laneId() * kDotRun < experts) {
      Run<float> run;
      run.read(x + laneId() * kDotRun);
      run.expand(values);
    }
  } else {
    forRun(experts, [&](int e, int i) { values[e] = x[i]; });
  }
  runSoftmax(experts, values);
  runTopK(experts, topK, normalize, values, ids + row * topK,
          weights + row * topK);
}

__global__ void routeKernel(const float *logits, int *ids, float *weights,
                            int64_t experts, int64_t topK, bool normalize) {
  extern __shared__ float staged[];
  int64_t row = blockIdx.x;
  const float *x = logits + row * experts;
  RowSoftmax softmax = warpSoftmax(x, experts);
  ids += row * topK;
  weights += row * topK;
  if (experts > kMaxStaged) {
    warpTopK(
        experts, topK, normalize, [&](int64_t i) { return softmax(x[i]); }, ids,
        weights);
    return;
  }
  for (int64_t i = laneId(); i < experts; i += kWarp)
    staged[i] = softmax(x[i]);
  __syncwarp();
  warpTopK(
      experts, topK, normalize, [&](int64_t i) { return staged[i]; }, ids,
      weights);
}

} // namespace

cudaError_t route(const KernelArgs &args, int64_t rows,
                  const CudaContext &context) {
  int64_t experts = args.dim[0];
  if (rows == 0)
    return cudaSuccess;
  if (isTopKOfRuns(experts, args.dim[1])) {
    bool whole = experts % kDotRun == 0 && isAligned16(args.data[0]);
    auto kernel = whole ? routeRunsKernel<true> : routeRunsKernel<false>;
    return enqueue(context, kernel, gridFor(rows, 1), kWarp, 0,
                   operand<const float>(args, 0), operand<int>(args, 1),
                   operand<float>(args, 2), experts, args.dim[1],
                   args.dim[2] != 0);
  }
  size_t bytes = experts <= kMaxStaged ? experts * sizeof(float) : 0;
  routeKernel<<<gridFor(rows, 1), kWarp, bytes, context.stream>>>(
      operand<const float>(args, 0), operand<int>(args, 1),
      operand<float>(args, 2), experts, args.dim[1], args.dim[2] != 0);
  return cudaGetLastError();
}

} // namespace sluice::cuda
