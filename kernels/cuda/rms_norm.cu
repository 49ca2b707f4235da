//===- rms_norm.cu - Root-mean-square norm of each group ------------------===//

#include "kernels/cuda/norm.cuh"

namespace sluice::cuda {
namespace {

// Both kernels: one block a row and group.

template <typename T, typename W>
__global__ void __launch_bounds__(kMaxNormThreads)
    rmsNormRunsKernel(const T *in, const W *weight, T *out, int width,
                      float eps) {
  NormRun<W> run(weight, width);
  float values[kDotRun];
  if (run.active) {
    Run<T> own;
    own.read(in + run.at);
    own.expand(values);
  }
  run.store(out, values, eps);
}

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
  if (isNormOfRuns(width) && isAligned16(args.data[0]) &&
      isAligned16(args.data[1]) && isAligned16(args.data[2]))
    return withActivation(args.dtype[0], [&](auto tag) {
      using T = typename decltype(tag)::Type;
      return withWeight(args.dtype[1], [&](auto weightTag) {
        using W = typename decltype(weightTag)::Type;
        return enqueue(context, rmsNormRunsKernel<T, W>,
                       gridFor(rows * groups, 1), runThreads(width),
                       runBytes(width), operand<const T>(args, 0),
                       operand<const W>(args, 1), operand<T>(args, 2),
                       static_cast<int>(width), args.scalar[0]);
      });
    });
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
