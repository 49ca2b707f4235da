//===- attention.cu - Attention over the paged cache, portable ------------===//
//
// A context is cut into splits of kAttentionSplit tokens. With scratch, one
// block computes one split of a row and head, and a second kernel combines the
// splits in order; without it, one block walks a row's splits twice, first for
// the maximum that the combination needs. Heads of bf16 that are a power of two
// of runs or nearly so have a form in which all keys and values of a split are
// on their way at once. The bits are the same.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/copies.cuh"
#include "kernels/cuda/dots.cuh"

#include <algorithm>
#include <type_traits>

namespace sluice::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarp;

struct Attention {
  const void *q, *kCache, *vCache;
  const int *position, *sequence, *pageTable;
  float *scratch;
  void *out;
  int64_t heads, kvHeads, headDim, pageTokens, pagesPerSequence, splits;
  float scale;

  __device__ int64_t tokens(int64_t row) const {
    return int64_t{position[row]} + 1;
  }
};

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

/// Threads of a block of splitRunsKernel: one a token.
constexpr int kRunsThreads = kAttentionSplit;
constexpr int kRunsWarps = kRunsThreads / kWarp;

struct RunsShared {
  int64_t at[kAttentionSplit]; ///< Start of each token's head in the caches.
  float4 score[kAttentionSplit / 4];
  float warpMax[kRunsWarps];
};

/// One split of bf16 heads of at most Lanes runs; its first token is `start`.
/// Lanes neighbouring lanes take a token together, and a thread has its run of
/// Lanes tokens: all keys of the split are loaded before the first is used,
/// while the values are copied to shared memory, [token][head_dim].
template <int Lanes>
__device__ void splitOfRuns(const Attention &args, RunsShared &shared,
                            Bf16 *values, const Run<Bf16> &query, int64_t item,
                            int64_t sequence, int64_t start, int count) {
  constexpr int kGroups = kRunsThreads / Lanes;
  auto *scores = reinterpret_cast<float *>(shared.score);
  int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp;
  int headDim = static_cast<int>(args.headDim);
  int column = thread % Lanes * kDotRun;
  bool active = column < headDim;
  int64_t kvHead = item % args.heads / (args.heads / args.kvHeads);
  if (thread < count)
    shared.at[thread] = (kvToken(args.pageTable, args.pagesPerSequence,
                                 args.pageTokens, sequence, start + thread) *
                             args.kvHeads +
                         kvHead) *
                        headDim;
  __syncthreads();

  // Token step * kGroups + group is the thread's step-th.
  int group = thread / Lanes;
  Run<Bf16> keys[Lanes];
#pragma unroll
  for (int step = 0; step < Lanes; ++step)
    if (int j = step * kGroups + group; active && j < count)
      keys[step].read(static_cast<const Bf16 *>(args.kCache) + shared.at[j] +
                      column);
#pragma unroll 4
  for (int step = 0; step < Lanes; ++step)
    if (int j = step * kGroups + group; active && j < count)
      copyAsync(values + j * headDim + column,
                static_cast<const Bf16 *>(args.vCache) + shared.at[j] + column,
                true);
  commitCopies();

  float q[kDotRun], sums[Lanes];
  query.expand(q);
#pragma unroll
  for (int step = 0; step < Lanes; ++step) {
    float sum = 0.0f;
    if (active && step * kGroups + group < count) {
      float k[kDotRun];
      keys[step].expand(k);
#pragma unroll
      for (int e = 0; e < kDotRun; ++e)
        sum = __fmaf_rn(q[e], k[e], sum);
    }
    // For the partial sums that no element goes to: they are zeros.
    sums[step] = sum + 0.0f;
  }
  // The lane's total is that of the token whose step is its number.
  int own = thread % Lanes * kGroups + group;
  float score = reduceStep<Lanes, Lanes / 2>(sums) * args.scale;
  float largest = warpMax(own < count ? score : -INFINITY);
  if (own < count)
    scores[own] = score;
  if (laneId() == 0)
    shared.warpMax[warp] = largest;
  __syncthreads();
#pragma unroll
  for (int other = 0; other < kRunsWarps; ++other)
    largest = fmaxf(largest, shared.warpMax[other]);
  // A zero leaves a sum of weights as it is, to the bit.
  scores[thread] =
      thread < count ? portableExp(scores[thread] - largest) : 0.0f;
  waitCopies<0>();
  __syncthreads();

  int64_t split = start / kAttentionSplit;
  float *partial =
      args.scratch + (item * args.splits + split) * (args.headDim + 2);
  if (warp == kRunsWarps - 1) { // has no column, or few
    float4 low = shared.score[2 * laneId()],
           high = shared.score[2 * laneId() + 1];
    const float weights[kDotRun] = {low.x,  low.y,  low.z,  low.w,
                                    high.x, high.y, high.z, high.w};
    float sum = 0.0f;
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      sum = sum + weights[e];
    sum = warpTree(sum);
    if (laneId() == 0) {
      partial[headDim] = largest;
      partial[headDim + 1] = sum;
    }
  }
  if (thread >= headDim)
    return;
  float sum = 0.0f;
  const Bf16 *value = values + thread;
  int j = 0;
  for (; j + kDotRun <= count; j += kDotRun) {
    float4 low = shared.score[j / 4], high = shared.score[j / 4 + 1];
    const float weights[kDotRun] = {low.x,  low.y,  low.z,  low.w,
                                    high.x, high.y, high.z, high.w};
    Bf16 own[kDotRun];
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      own[e] = value[(j + e) * headDim];
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      sum = __fmaf_rn(weights[e], toFloat(own[e]), sum);
  }
  for (; j < count; ++j)
    sum = __fmaf_rn(scores[j], toFloat(value[j * headDim]), sum);
  partial[thread] = sum;
}

// One block a row, head and some of the splits: the first is blockIdx.y, the
// next ones gridDim.y further.
template <int Lanes>
__global__ void __launch_bounds__(kRunsThreads, 2)
    splitRunsKernel(Attention args) {
  extern __shared__ uint4 memory[];
  __shared__ RunsShared shared;
  beginInTurn();
  int64_t item = blockIdx.x, row = item / args.heads;
  int64_t sequence = args.sequence[row], tokens = args.tokens(row);
  int column = static_cast<int>(threadIdx.x) % Lanes * kDotRun;
  Run<Bf16> query;
  if (column < args.headDim)
    query.read(static_cast<const Bf16 *>(args.q) + item * args.headDim +
               column);
  int64_t start = int64_t{blockIdx.y} * kAttentionSplit;
  for (int64_t first = start; start < tokens;
       start += int64_t{gridDim.y} * kAttentionSplit) {
    if (start > first)
      __syncthreads(); // the last split's readers are done
    int64_t count = min(tokens - start, int64_t{kAttentionSplit});
    splitOfRuns<Lanes>(args, shared, reinterpret_cast<Bf16 *>(memory), query,
                       item, sequence, start, static_cast<int>(count));
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

template <int Lanes>
cudaError_t launchRuns(const Attention &args, unsigned items,
                       const CudaContext &context) {
  int bytes = static_cast<int>(kAttentionSplit * args.headDim * sizeof(Bf16));
  // The most that the form takes, so that no thread lowers it for another.
  constexpr int kMost = kAttentionSplit * Lanes * kDotRun * sizeof(Bf16);
  if (cudaError_t error = cudaFuncSetAttribute(
          splitRunsKernel<Lanes>, cudaFuncAttributeMaxDynamicSharedMemorySize,
          kMost);
      error != cudaSuccess)
    return error;
  // Most of a plan's splits may lie beyond the context: as many blocks as fill
  // the device twice, and each takes some, for then few come for nothing.
  int64_t most = ceilDiv(4 * int64_t{context.multiprocessors}, items);
  dim3 grid(items, static_cast<unsigned>(std::min(args.splits, most)));
  return enqueue(context, splitRunsKernel<Lanes>, grid, kRunsThreads, bytes,
                 args);
}

template <typename T, bool Vector>
cudaError_t launchSplits(const Attention &args, unsigned items,
                         const CudaContext &context) {
  if constexpr (std::is_same_v<T, Bf16> && Vector) {
    bool aligned = isAligned16(args.q) && isAligned16(args.vCache);
    if (aligned && args.headDim > 64 && args.headDim <= 128)
      return launchRuns<16>(args, items, context);
    if (aligned && args.headDim > 32 && args.headDim <= 64)
      return launchRuns<8>(args, items, context);
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
