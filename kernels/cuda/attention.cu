//===- attention.cu - Attention over the paged cache, portable ------------===//
//
// A context is cut into splits of kAttentionSplit tokens. With scratch, one
// block computes one split of a row and head, and a second kernel combines the
// splits in order; without it, one block walks a row's splits twice, first for
// the maximum that the combination needs. Some heads have a faster form of the
// first kernel, see attention_runs.cu. The bits are the same.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/attention.cuh"
#include "kernels/cuda/dots.cuh"

#include <type_traits>

namespace sluice::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarp;

struct Shared {
  int64_t at[kAttentionSplit]; ///< Start of each token's head in the caches.
  float score[kAttentionSplit];
  float warpMax[kWarps];
  float sum;
};

/// Floats that a query takes in shared memory: whole runs, because the compiler
/// reads a run of q with wide loads also where head_dim ends inside of it.
__host__ __device__ int64_t queryFloats(int64_t headDim) {
  return (headDim + kDotRun - 1) / kDotRun * kDotRun;
}

/// The dot product of q (f32, in shared memory) and one key by `lanes` lanes, a
/// power of two that covers head_dim in runs of 8 elements. Only the first of
/// these lanes gets it. The partial sums that no element goes to are zeros: one
/// addition of zero stands for all of theirs.
template <typename T, bool Vector>
__device__ float keyDot(const float *q, const T *key, int headDim, int lanes) {
  int lane = laneId() % lanes;
  float sum = 0.0f;
  for (int base = lane * kDotRun; base < headDim; base += kDotBlock) {
    if constexpr (Vector) {
      Run<T> run;
      run.load(key + base);
      float k[8];
      run.expand(k);
#pragma unroll
      for (int e = 0; e < 8; ++e)
        sum = __fmaf_rn(q[base + e], k[e], sum);
    } else {
      for (int i = base; i < min(base + kDotRun, headDim); ++i)
        sum = __fmaf_rn(q[i], toFloat(key[i]), sum);
    }
  }
  if (lanes < kWarp)
    sum = sum + 0.0f;
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    sum = sum + __shfl_xor_sync(kFullWarp, sum, distance);
  return sum;
}

/// Scores of a split into shared.score, and their maximum.
template <typename T, bool Vector>
__device__ float scoreSplit(const Attention &args, Shared &shared,
                            const float *q, int64_t row, int64_t kvHead,
                            int64_t start, int count) {
  int64_t sequence = args.sequence[row];
  __syncthreads(); // the last split's readers are done
  for (int j = threadIdx.x; j < count; j += kThreads)
    shared.at[j] = (kvToken(args.pageTable, args.pagesPerSequence,
                            args.pageTokens, sequence, start + j) *
                        args.kvHeads +
                    kvHead) *
                   args.headDim;
  __syncthreads();
  int headDim = static_cast<int>(args.headDim), lanes = 1;
  while (lanes < kWarp && lanes * kDotRun < headDim)
    lanes *= 2;
  int group = static_cast<int>(threadIdx.x) / lanes;
  int groups = kThreads / lanes;
  float largest = -INFINITY;
  // The trip count is the warp's, so that all lanes meet in the shuffles.
  int steps = (count + groups - 1) / groups;
#pragma unroll 4
  for (int step = 0; step < steps; ++step) {
    int j = step * groups + group;
    const T *key =
        static_cast<const T *>(args.kCache) + shared.at[min(j, count - 1)];
    float score = keyDot<T, Vector>(q, key, headDim, lanes) * args.scale;
    if (j < count) {
      largest = fmaxf(largest, score);
      if (laneId() % lanes == 0)
        shared.score[j] = score;
    }
  }
  largest = warpMax(largest);
  if (laneId() == 0)
    shared.warpMax[threadIdx.x / kWarp] = largest;
  __syncthreads();
  for (int warp = 0; warp < kWarps; ++warp)
    largest = fmaxf(largest, shared.warpMax[warp]);
  return largest;
}

/// Turns shared.score into exp(score - largest) and gives their sum.
__device__ float weighSplit(Shared &shared, float largest, int count) {
  for (int j = threadIdx.x; j < count; j += kThreads)
    shared.score[j] = portableExp(shared.score[j] - largest);
  __syncthreads();
  if (threadIdx.x < kWarp) {
    float sum = warpSum(count, [&](int64_t j) { return shared.score[j]; });
    if (threadIdx.x == 0)
      shared.sum = sum;
  }
  __syncthreads();
  return shared.sum;
}

/// The weighted sum of column d of the split's values, in increasing j.
template <typename T>
__device__ float valueColumn(const Attention &args, const Shared &shared,
                             int64_t d, int count) {
  const T *values = static_cast<const T *>(args.vCache) + d;
  float sum = 0.0f;
#pragma unroll 16
  for (int j = 0; j < count; ++j)
    sum = __fmaf_rn(shared.score[j], toFloat(values[shared.at[j]]), sum);
  return sum;
}

template <typename T>
__device__ void loadQuery(const Attention &args, int64_t item, float *q) {
  for (int64_t i = threadIdx.x; i < args.headDim; i += kThreads)
    q[i] = toFloat(static_cast<const T *>(args.q)[item * args.headDim + i]);
}

// One block a row, head and split; a partial result is head_dim sums, the
// maximum and the denominator.
template <typename T, bool Vector>
__global__ void __launch_bounds__(kThreads) splitKernel(Attention args) {
  extern __shared__ float q[];
  __shared__ Shared shared;
  int64_t item = blockIdx.x, row = item / args.heads, head = item % args.heads;
  int64_t start = int64_t{blockIdx.y} * kAttentionSplit;
  int64_t rest = args.tokens(row) - start;
  if (rest <= 0)
    return;
  int count = static_cast<int>(min(rest, int64_t{kAttentionSplit}));
  loadQuery<T>(args, item, q);
  float largest = scoreSplit<T, Vector>(
      args, shared, q, row, head / (args.heads / args.kvHeads), start, count);
  float sum = weighSplit(shared, largest, count);
  float *partial =
      args.scratch + (item * args.splits + blockIdx.y) * (args.headDim + 2);
  for (int64_t d = threadIdx.x; d < args.headDim; d += kThreads)
    partial[d] = valueColumn<T>(args, shared, d, count);
  if (threadIdx.x == 0) {
    partial[args.headDim] = largest;
    partial[args.headDim + 1] = sum;
  }
}

/// Combines the splits of a row and head in order. The first few of them are
/// loaded together.
template <typename T>
__device__ void combineSplits(const Attention &args, int64_t item, int splits) {
  constexpr int kAhead = 8;
  int64_t width = args.headDim + 2;
  const float *partials = args.scratch + item * args.splits * width;
  for (int64_t d = threadIdx.x; d < args.headDim; d += blockDim.x) {
    float most[kAhead], sums[kAhead], columns[kAhead];
    auto fetch = [&](int first) {
#pragma unroll
      for (int a = 0; a < kAhead; ++a)
        if (first + a < splits) {
          const float *partial = partials + (first + a) * width;
          most[a] = partial[args.headDim];
          sums[a] = partial[args.headDim + 1];
          columns[a] = partial[d];
        }
    };
    fetch(0);
    float largest = -INFINITY;
#pragma unroll
    for (int a = 0; a < kAhead; ++a)
      if (a < splits)
        largest = fmaxf(largest, most[a]);
#pragma unroll 8
    for (int split = kAhead; split < splits; ++split)
      largest = fmaxf(largest, partials[split * width + args.headDim]);
    float sum = 0.0f, column = 0.0f;
    for (int first = 0; first < splits; first += kAhead) {
      if (first > 0)
        fetch(first);
#pragma unroll
      for (int a = 0; a < kAhead; ++a)
        if (first + a < splits) {
          float weight = portableExp(most[a] - largest);
          sum = __fmaf_rn(sums[a], weight, sum);
          column = __fmaf_rn(columns[a], weight, column);
        }
    }
    static_cast<T *>(args.out)[item * args.headDim + d] =
        fromFloat<T>(__fdiv_rn(column, sum));
  }
}

// One block a row and head.
template <typename T>
__global__ void __launch_bounds__(kThreads) combineKernel(Attention args) {
  beginInTurn();
  int64_t tokens = args.tokens(blockIdx.x / args.heads);
  combineSplits<T>(args, blockIdx.x,
                   static_cast<int>(ceilDiv(tokens, kAttentionSplit)));
}

// Without scratch: one block a row and head.
template <typename T, bool Vector>
__global__ void __launch_bounds__(kThreads) walkKernel(Attention args) {
  extern __shared__ float q[];
  __shared__ Shared shared;
  float *column = q + queryFloats(args.headDim);
  int64_t item = blockIdx.x, row = item / args.heads, head = item % args.heads;
  int64_t kvHead = head / (args.heads / args.kvHeads);
  int64_t tokens = args.tokens(row);
  loadQuery<T>(args, item, q);
  for (int64_t d = threadIdx.x; d < args.headDim; d += kThreads)
    column[d] = 0.0f;
  auto score = [&](int64_t start, int &count) {
    count = static_cast<int>(min(tokens - start, int64_t{kAttentionSplit}));
    return scoreSplit<T, Vector>(args, shared, q, row, kvHead, start, count);
  };
  int count;
  float largest = -INFINITY, sum = 0.0f;
  if (tokens <= kAttentionSplit)
    largest = score(0, count);
  else
    for (int64_t start = 0; start < tokens; start += kAttentionSplit)
      largest = fmaxf(largest, score(start, count));
  for (int64_t start = 0; start < tokens; start += kAttentionSplit) {
    float own = score(start, count);
    float splitSum = weighSplit(shared, own, count);
    float weight = portableExp(own - largest);
    sum = __fmaf_rn(splitSum, weight, sum);
    for (int64_t d = threadIdx.x; d < args.headDim; d += kThreads)
      column[d] =
          __fmaf_rn(valueColumn<T>(args, shared, d, count), weight, column[d]);
  }
  for (int64_t d = threadIdx.x; d < args.headDim; d += kThreads)
    static_cast<T *>(args.out)[item * args.headDim + d] =
        fromFloat<T>(__fdiv_rn(column[d], sum));
}

template <typename T, bool Vector>
cudaError_t launchSplits(const Attention &args, unsigned items,
                         const CudaContext &context) {
  if constexpr (std::is_same_v<T, Bf16> && Vector) {
    if (isAttentionOfRuns(args))
      return launchAttentionRuns(args, items, context);
  }
  dim3 grid(items, static_cast<unsigned>(args.splits));
  size_t bytes = queryFloats(args.headDim) * sizeof(float);
  splitKernel<T, Vector><<<grid, kThreads, bytes, context.stream>>>(args);
  return cudaGetLastError();
}

template <typename T, bool Vector>
cudaError_t launchAttention(const Attention &args, int64_t rows,
                            const CudaContext &context) {
  unsigned items = static_cast<unsigned>(rows * args.heads);
  if (args.scratch && args.splits > 0) {
    if (cudaError_t error = launchSplits<T, Vector>(args, items, context);
        error != cudaSuccess)
      return error;
    return enqueue(context, combineKernel<T>, items, kThreads, 0, args);
  }
  size_t bytes = (queryFloats(args.headDim) + args.headDim) * sizeof(float);
  walkKernel<T, Vector><<<items, kThreads, bytes, context.stream>>>(args);
  return cudaGetLastError();
}

} // namespace

cudaError_t attention(const KernelArgs &args, int64_t rows,
                      const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  Attention sizes{args.data[0],
                  args.data[1],
                  args.data[2],
                  operand<const int>(args, 3),
                  operand<const int>(args, 4),
                  operand<const int>(args, 5),
                  operand<float>(args, 6),
                  args.data[7],
                  args.dim[0],
                  args.dim[1],
                  args.dim[2],
                  args.dim[4],
                  args.dim[6],
                  args.dim[7],
                  args.scalar[0]};
  // A head of this width would not fit the shared memory that every device has.
  if (sizes.headDim > 4096)
    return cudaErrorInvalidValue;
  bool vector = sizes.headDim % kDotRun == 0 && isAligned16(args.data[1]);
  return withActivation(args.dtype[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return vector ? launchAttention<T, true>(sizes, rows, context)
                  : launchAttention<T, false>(sizes, rows, context);
  });
}

} // namespace sluice::cuda
