//===- attention.cuh - What the forms of attention share --------*- C++ -*-===//
#pragma once

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {

/// The operands of attention. With scratch, the partial result of a row, head
/// and split lies at ((row * heads + head) * splits + split) * (headDim + 2):
/// headDim sums, the maximum and the denominator.
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

/// Stores the result in column d of a row and head.
template <typename T>
__device__ void storeResult(const Attention &args, int64_t item, int64_t d,
                            float column, float sum) {
  static_cast<T *>(args.out)[item * args.headDim + d] =
      fromFloat<T>(__fdiv_rn(column, sum));
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
    storeResult<T>(args, item, d, column, sum);
  }
}

/// The same where one split is all there is.
template <typename T>
__device__ void combineOne(const Attention &args, int64_t item, int64_t d,
                           float largest, float sum, float column) {
  // Not always 1: nothing is said about infinite scores.
  const float weight = portableExp(largest - fmaxf(-INFINITY, largest));
  storeResult<T>(args, item, d, __fmaf_rn(column, weight, 0.0f),
                 __fmaf_rn(sum, weight, 0.0f));
}


/// Whether the splits can be computed by launchAttentionRuns, for bf16 heads of
/// whole runs whose keys are aligned.
bool isAttentionOfRuns(const Attention &args);
/// Whether launchAttentionRuns combines the splits too: the blocks of a row and
/// head are a cluster.
inline bool canCombineInCluster(const CudaContext &context) {
  return context.architecture >= 90;
}
/// Computes the splits of all `items` rows and heads into the scratch, and, if
/// canCombineInCluster, the results from them.
cudaError_t launchAttentionRuns(const Attention &args, unsigned items,
                                const CudaContext &context);

} // namespace sluice::cuda
