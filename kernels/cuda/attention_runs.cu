//===- attention_runs.cu - Splits of bf16 heads by runs -------------------===//
//
// The form of attention's splits for bf16 heads that are a power of two of runs
// or nearly so: all keys and values of a split are on their way at once. The
// bits are those of attention.cu, which combines the splits.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/attention.cuh"
#include "kernels/cuda/copies.cuh"
#include "kernels/cuda/dots.cuh"

#include <algorithm>

namespace sluice::cuda {
namespace {

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

} // namespace

bool isAttentionOfRuns(const Attention &args) {
  return isAligned16(args.q) && isAligned16(args.vCache) && args.headDim > 32 &&
         args.headDim <= 128;
}

cudaError_t launchAttentionRuns(const Attention &args, unsigned items,
                                const CudaContext &context) {
  return args.headDim > 64 ? launchRuns<16>(args, items, context)
                           : launchRuns<8>(args, items, context);
}

} // namespace sluice::cuda
