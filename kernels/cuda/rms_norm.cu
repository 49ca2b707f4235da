//===- rms_norm.cu - Root-mean-square norm of each group ------------------===//

#include "kernels/cuda/norm.cuh"

namespace sluice::cuda {
namespace {

// One block a row and group.
template <typename T>
__global__ void rmsNormKernel(const T *in, const void *weight, DType type,
                              T *out, int64_t width, float eps, bool staged) {
  const T *x = in + int64_t{blockIdx.x} * width;
  T *y = out + int64_t{blockIdx.x} * width;
  auto load = [&](int64_t i) { return toFloat(x[i]); };
  float factor = rmsFactor(blockSquares(width, staged, load, load), width, eps);
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x)
    y[i] = fromFloat<T>(loadAny(weight, type, i) * (load(i) * factor));
}

} // namespace

cudaError_t rmsNorm(const KernelArgs &args, int64_t rows,
                    const CudaContext &context) {
  int64_t groups = args.dim[0], width = args.dim[1];
  if (rows == 0)
    return cudaSuccess;
  bool staged = width <= kMaxStagedWidth;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    rmsNormKernel<T><<<gridFor(rows * groups, 1), normThreads(width),
                       staged ? stagedBytes(width) : 0, context.stream>>>(
        operand<const T>(args, 0), args.data[1], args.dtype[1],
        operand<T>(args, 2), width, args.scalar[0], staged);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
