//===- qk_norm_rope_write.cu - q/k norms, rope and the KV write in one ----===//
//
// The bits are those of rms_norm, rope and kv_write one after the other: the
// norm's result is rounded to the activation type before it is turned.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/rotate.cuh"

namespace sluice::cuda {
namespace {

struct Sizes {
  int64_t heads, kvHeads, headDim, pageTokens, pagesPerSequence;
  float eps;
};

// Norm and rotation of one head by one warp.
template <typename T>
__device__ void normAndRotate(const T *in, const void *weight, DType type,
                              const float *cosine, const float *sine, T *out,
                              int64_t headDim, float eps) {
  auto load = [&](int64_t i) { return toFloat(in[i]); };
  float factor = rmsFactor(warpDot(headDim, load, load), headDim, eps);
  auto norm = [&](int64_t i) {
    return toFloat(fromFloat<T>(loadAny(weight, type, i) * (load(i) * factor)));
  };
  int64_t half = headDim / 2;
  for (int64_t i = laneId(); i < half; i += kWarp) {
    Pair rotated = rotate(norm(i), norm(i + half), cosine[i], sine[i]);
    out[i] = fromFloat<T>(rotated.low);
    out[i + half] = fromFloat<T>(rotated.high);
  }
}

// One warp a row and head: first the query heads, then the keys, then the
// values, which are only copied.
template <typename T>
__global__ void qkNormRopeWriteKernel(const T *q, const T *k, const T *v,
                                      const void *qWeight, DType qType,
                                      const void *kWeight, DType kType,
                                      const int *position, const int *sequence,
                                      const int *pageTable, const float *cosine,
                                      const float *sine, T *qOut, T *kCache,
                                      T *vCache, Sizes sizes, int64_t items) {
  int64_t item =
      int64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (item >= items)
    return;
  int64_t perRow = sizes.heads + 2 * sizes.kvHeads;
  int64_t row = item / perRow, head = item % perRow, width = sizes.headDim;
  int64_t angle = int64_t{position[row]} * (width / 2);
  if (head < sizes.heads) {
    int64_t at = (row * sizes.heads + head) * width;
    normAndRotate(q + at, qWeight, qType, cosine + angle, sine + angle,
                  qOut + at, width, sizes.eps);
    return;
  }
  bool isKey = head < sizes.heads + sizes.kvHeads;
  int64_t kvHead = head - sizes.heads - (isKey ? 0 : sizes.kvHeads);
  int64_t token = kvToken(pageTable, sizes.pagesPerSequence, sizes.pageTokens,
                          sequence[row], position[row]);
  int64_t from = (row * sizes.kvHeads + kvHead) * width;
  int64_t to = (token * sizes.kvHeads + kvHead) * width;
  if (isKey) {
    normAndRotate(k + from, kWeight, kType, cosine + angle, sine + angle,
                  kCache + to, width, sizes.eps);
    return;
  }
  for (int64_t i = laneId(); i < width; i += kWarp)
    vCache[to + i] = v[from + i];
}

} // namespace

cudaError_t qkNormRopeWrite(const KernelArgs &args, int64_t rows,
                            const CudaContext &context) {
  Sizes sizes{args.dim[0], args.dim[1], args.dim[2],
              args.dim[5], args.dim[7], args.scalar[0]};
  int64_t items = rows * (sizes.heads + 2 * sizes.kvHeads);
  if (rows == 0)
    return cudaSuccess;
  constexpr int kThreads = 128;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    qkNormRopeWriteKernel<T>
        <<<gridFor(items, kThreads / kWarp), kThreads, 0, context.stream>>>(
            operand<const T>(args, 0), operand<const T>(args, 1),
            operand<const T>(args, 2), args.data[3], args.dtype[3],
            args.data[4], args.dtype[4], operand<const int>(args, 5),
            operand<const int>(args, 6), operand<const int>(args, 7),
            operand<const float>(args, 8), operand<const float>(args, 9),
            operand<T>(args, 10), operand<T>(args, 11), operand<T>(args, 12),
            sizes, items);
    return cudaGetLastError();
  });
}

} // namespace sluice::cuda
