//===- qk_norm_rope_write.cu - q/k norms, rope and the KV write in one ----===//
//
// The bits are those of rms_norm, rope and kv_write one after the other: the
// norm's result is rounded to the activation type before it is turned.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/rotate.cuh"
#include "kernels/cuda/runs.cuh"

namespace sluice::cuda {
namespace {

constexpr int kThreads = 128;

struct Sizes {
  int64_t heads, kvHeads, headDim, pageTokens, pagesPerSequence;
  float eps;
};

/// Heads whose halves are whole runs at multiples of 16 bytes, a lane each.
constexpr int64_t kMaxRunsWidth = kDotBlock;

/// Norm and rotation of one head by one warp, a run a lane. The lanes of one
/// half have the partners of the other's elements.
template <typename T, typename W> struct RunsHead {
  __device__ static void turn(const T *in, const void *weight, DType,
                              const float *cosine, const float *sine, T *out,
                              int64_t headDim, float eps) {
    int lane = laneId(), half = static_cast<int>(headDim) / (2 * kDotRun);
    bool active = lane < 2 * half, isHigh = lane >= half;
    int column = lane * kDotRun, angle = column - (isHigh ? half * kDotRun : 0);
    float x[kDotRun] = {}, w[kDotRun] = {}, c[kDotRun] = {}, s[kDotRun] = {};
    if (active) {
      Run<T> own;
      Run<W> scale;
      Run<float> cosines, sines;
      own.read(in + column);
      scale.load(static_cast<const W *>(weight) + column);
      cosines.read(cosine + angle);
      sines.read(sine + angle);
      own.expand(x);
      scale.expand(w);
      cosines.expand(c);
      sines.expand(s);
    }
    float sum = 0.0f; // stays 0 in lanes beyond the head, as its order says
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      sum = __fmaf_rn(x[e], x[e], sum);
    float factor = rmsFactor(warpTree(sum), headDim, eps);
    float turned[kDotRun];
#pragma unroll
    for (int e = 0; e < kDotRun; ++e) {
      float own = toFloat(fromFloat<T>(w[e] * (x[e] * factor)));
      float other =
          __shfl_sync(kFullWarp, own, isHigh ? lane - half : lane + half);
      turned[e] = isHigh ? rotate(other, own, c[e], s[e]).high
                         : rotate(own, other, c[e], s[e]).low;
    }
    if (active)
      storeRun(out + column, turned);
  }
  __device__ static void copy(const T *from, T *to, int64_t headDim) {
    constexpr int kPiece = 16 / sizeof(T);
    for (int64_t i = laneId() * kPiece; i < headDim; i += kWarp * kPiece)
      *reinterpret_cast<uint4 *>(to + i) =
          *reinterpret_cast<const uint4 *>(from + i);
  }
};

/// The same for any head, element by element.
template <typename T> struct AnyHead {
  __device__ static void turn(const T *in, const void *weight, DType type,
                              const float *cosine, const float *sine, T *out,
                              int64_t headDim, float eps) {
    auto load = [&](int64_t i) { return toFloat(in[i]); };
    float factor = rmsFactor(warpDot(headDim, load, load), headDim, eps);
    auto norm = [&](int64_t i) {
      return toFloat(
          fromFloat<T>(loadAny(weight, type, i) * (load(i) * factor)));
    };
    int64_t half = headDim / 2;
    for (int64_t i = laneId(); i < half; i += kWarp) {
      Pair rotated = rotate(norm(i), norm(i + half), cosine[i], sine[i]);
      out[i] = fromFloat<T>(rotated.low);
      out[i + half] = fromFloat<T>(rotated.high);
    }
  }
  __device__ static void copy(const T *from, T *to, int64_t headDim) {
    for (int64_t i = laneId(); i < headDim; i += kWarp)
      to[i] = from[i];
  }
};

template <typename T> struct Operands {
  const T *q, *k, *v;
  const void *qWeight, *kWeight;
  DType qType, kType;
  const int *position, *sequence, *pageTable;
  const float *cosine, *sine;
  T *qOut, *kCache, *vCache;
};

// One warp a row and head: first the query heads, then the keys, then the
// values, which are only copied.
template <typename T, typename Head>
__global__ void __launch_bounds__(kThreads)
    qkNormRopeWriteKernel(Operands<T> args, Sizes sizes, int items) {
  beginInTurn();
  int item =
      static_cast<int>(blockIdx.x * (kThreads / kWarp) + threadIdx.x / kWarp);
  if (item >= items)
    return;
  int heads = static_cast<int>(sizes.heads);
  int kvHeads = static_cast<int>(sizes.kvHeads);
  int perRow = heads + 2 * kvHeads, row = item / perRow, head = item % perRow;
  int64_t width = sizes.headDim, position = args.position[row];
  const float *cosine = args.cosine + position * (width / 2);
  const float *sine = args.sine + position * (width / 2);
  if (head < heads) {
    int64_t at = (int64_t{row} * heads + head) * width;
    Head::turn(args.q + at, args.qWeight, args.qType, cosine, sine,
               args.qOut + at, width, sizes.eps);
    return;
  }
  bool isKey = head < heads + kvHeads;
  int kvHead = head - heads - (isKey ? 0 : kvHeads);
  int64_t token = kvToken(args.pageTable, sizes.pagesPerSequence,
                          sizes.pageTokens, args.sequence[row], position);
  int64_t from = (int64_t{row} * kvHeads + kvHead) * width;
  int64_t to = (token * kvHeads + kvHead) * width;
  if (isKey)
    Head::turn(args.k + from, args.kWeight, args.kType, cosine, sine,
               args.kCache + to, width, sizes.eps);
  else
    Head::copy(args.v + from, args.vCache + to, width);
}

/// Whether the heads can be taken a run a lane.
bool areRuns(const KernelArgs &args, int64_t headDim) {
  if (headDim % (2 * kDotRun) != 0 || headDim > kMaxRunsWidth ||
      args.dtype[3] != args.dtype[4])
    return false;
  for (int operand : {0, 1, 2, 3, 4, 8, 9, 10, 11, 12})
    if (!isAligned16(args.data[operand]))
      return false;
  return true;
}

} // namespace

cudaError_t qkNormRopeWrite(const KernelArgs &args, int64_t rows,
                            const CudaContext &context) {
  Sizes sizes{args.dim[0], args.dim[1], args.dim[2],
              args.dim[5], args.dim[7], args.scalar[0]};
  int64_t items = rows * (sizes.heads + 2 * sizes.kvHeads);
  if (rows == 0)
    return cudaSuccess;
  if (items > INT32_MAX)
    return cudaErrorInvalidValue;
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    Operands<T> operands{operand<const T>(args, 0),
                         operand<const T>(args, 1),
                         operand<const T>(args, 2),
                         args.data[3],
                         args.data[4],
                         args.dtype[3],
                         args.dtype[4],
                         operand<const int>(args, 5),
                         operand<const int>(args, 6),
                         operand<const int>(args, 7),
                         operand<const float>(args, 8),
                         operand<const float>(args, 9),
                         operand<T>(args, 10),
                         operand<T>(args, 11),
                         operand<T>(args, 12)};
    dim3 grid = gridFor(items, kThreads / kWarp);
    int count = static_cast<int>(items);
    if (!areRuns(args, sizes.headDim)) {
      return enqueue(context, qkNormRopeWriteKernel<T, AnyHead<T>>, grid,
                     kThreads, 0, operands, sizes, count);
    }
    return withWeight(args.dtype[3], [&](auto weightTag) {
      using W = typename decltype(weightTag)::Type;
      return enqueue(context, qkNormRopeWriteKernel<T, RunsHead<T, W>>, grid,
                     kThreads, 0, operands, sizes, count);
    });
  });
}

} // namespace sluice::cuda
