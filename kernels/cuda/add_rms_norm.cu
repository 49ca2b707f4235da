//===- add_rms_norm.cu - A residual sum and the norm of it ----------------===//

#include "kernels/cuda/norm.cuh"

namespace sluice::cuda {
namespace {

// Both kernels: one block a row. The norm reads the sum as rounded to the
// activation type: the bits are those of add, then rms_norm.

template <typename T, typename W>
__global__ void __launch_bounds__(kMaxNormThreads)
    addRmsNormRunsKernel(const T *a, const T *b, const W *weight, T *sum,
                         T *out, int width, float eps) {
  NormRun<W> run(weight, width);
  float values[kDotRun];
  if (run.active) {
    addRuns(a + run.at, b + run.at, values);
    storeRun(sum + run.at, values);
  }
  run.store(out, values, eps);
}

template <typename T>
__global__ void addRmsNormKernel(const T *a, const T *b, const void *weight,
                                 DType type, T *sum, T *out, int64_t width,
                                 float eps, bool staged) {
  int64_t start = int64_t{blockIdx.x} * width;
  auto again = [&](int64_t i) { return toFloat(sum[start + i]); };
  auto fetch = [&](int64_t i) {
    T rounded = fromFloat<T>(toFloat(a[start + i]) + toFloat(b[start + i]));
    sum[start + i] = rounded;
    return toFloat(rounded);
  };
  float squares = blockSquares(width, staged, fetch, again);
  float factor = rmsFactor(squares, width, eps);
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x)
    out[start + i] =
        fromFloat<T>(loadAny(weight, type, i) * (again(i) * factor));
}

} // namespace

cudaError_t addRmsNorm(const KernelArgs &args, int64_t rows,
                       const CudaContext &context) {
  int64_t width = args.dim[0];
  if (rows == 0)
    return cudaSuccess;
  bool aligned = true;
  for (int i = 0; i < 5; ++i)
    aligned = aligned && isAligned16(args.data[i]);
  if (aligned && isNormOfRuns(width))
    return withActivation(args.dtype[0], [&](auto tag) {
      using T = typename decltype(tag)::Type;
      return withWeight(args.dtype[2], [&](auto weightTag) {
        using W = typename decltype(weightTag)::Type;
        return enqueue(context, addRmsNormRunsKernel<T, W>, gridFor(rows, 1),
                       runThreads(width), runBytes(width),
                       operand<const T>(args, 0), operand<const T>(args, 1),
                       operand<const W>(args, 2), operand<T>(args, 3),
                       operand<T>(args, 4), static_cast<int>(width),
                       args.scalar[0]);
      });
    });
  bool staged = width <= kMaxStagedWidth;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    addRmsNormKernel<T><<<gridFor(rows, 1), normThreads(width),
                          staged ? stagedBytes(width) : 0, context.stream>>>(
        operand<const T>(args, 0), operand<const T>(args, 1), args.data[2],
        args.dtype[2], operand<T>(args, 3), operand<T>(args, 4), width,
        args.scalar[0], staged);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
