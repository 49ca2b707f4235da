//===- select.cuh - Softmax and top-k of a row by one warp ------*- C++ -*-===//
//
// Shared by softmax, top_k and route, whose bits must agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/runs.cuh"

namespace sluice::cuda {

/// Turns one logit of a row into its probability.
struct RowSoftmax {
  float largest, sum;
  __device__ float operator()(float logit) const {
    return __fdiv_rn(portableExp(logit - largest), sum);
  }
};

__device__ inline RowSoftmax warpSoftmax(const float *x, int64_t width) {
  float largest = -INFINITY;
  for (int64_t i = laneId(); i < width; i += kWarp)
    largest = fmaxf(largest, x[i]);
  largest = warpMax(largest);
  float sum =
      warpSum(width, [&](int64_t i) { return portableExp(x[i] - largest); });
  return {largest, sum};
}

/// The order of candidates' values: larger values have larger keys, NaN comes
/// after everything else, so that every row has an order. Never 0.
__device__ inline uint32_t orderKey(float value) {
  uint32_t bits = bitsOfFloat(value + 0.0f); // -0 is 0
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return 1;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// A key that orders candidates: larger values first, then smaller indices.
__device__ inline uint64_t rankKey(float value, uint32_t index) {
  return uint64_t{orderKey(value)} << 32 | (0xffffffffu - index);
}

/// Writes the `topK` largest of probability(0 .. experts-1) in order. With
/// `normalize` the weights are divided by their sum in that order.
template <typename Probability>
__device__ void warpTopK(int64_t experts, int64_t topK, bool normalize,
                         Probability probability, int *ids, float *weights) {
  uint64_t previous = ~uint64_t{0};
  float sum = 0.0f;
  for (int64_t rank = 0; rank < topK; ++rank) {
    uint64_t best = 0;
    for (int64_t i = laneId(); i < experts; i += kWarp) {
      uint64_t key = rankKey(probability(i), static_cast<uint32_t>(i));
      if (key < previous && key > best)
        best = key;
    }
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) {
      uint64_t other = __shfl_xor_sync(kFullWarp, best, distance);
      best = other > best ? other : best;
    }
    previous = best;
    uint32_t id = 0xffffffffu - static_cast<uint32_t>(best);
    float weight = probability(id);
    sum = sum + weight;
    if (laneId() == 0) {
      ids[rank] = static_cast<int>(id);
      weights[rank] = weight;
    }
  }
  __syncwarp();
  if (normalize)
    for (int64_t rank = laneId(); rank < topK; rank += kWarp)
      weights[rank] = __fdiv_rn(weights[rank], sum);
}

/// Rows that one warp keeps in registers, a run of 8 candidates a lane, and the
/// most it chooses of them.
constexpr int64_t kMaxRunExperts = kDotBlock, kMaxRunTopK = kWarp;
__host__ __device__ inline bool isTopKOfRuns(int64_t experts, int64_t topK) {
  return experts <= kMaxRunExperts && topK <= kMaxRunTopK;
}

/// Calls `body(e, i)` for e in 0 .. 7 and those candidates i of the lane's run
/// that exist.
template <typename Body> __device__ void forRun(int64_t experts, Body body) {
#pragma unroll
  for (int e = 0; e < kDotRun; ++e)
    if (int i = laneId() * kDotRun + e; i < experts)
      body(e, i);
}

/// Turns a lane's run of logits into probabilities: the bits of warpSoftmax.
__device__ inline void runSoftmax(int64_t experts, float (&values)[kDotRun]) {
  RowSoftmax softmax{-INFINITY, 0.0f};
  forRun(experts, [&](int e, int) {
    softmax.largest = fmaxf(softmax.largest, values[e]);
  });
  softmax.largest = warpMax(softmax.largest);
  forRun(experts, [&](int e, int) {
    values[e] = portableExp(values[e] - softmax.largest);
    softmax.sum = softmax.sum + values[e];
  });
  softmax.sum = warpTree(softmax.sum);
  forRun(experts,
         [&](int e, int) { values[e] = __fdiv_rn(values[e], softmax.sum); });
}

/// warpTopK of a row that isTopKOfRuns, from the lanes' runs.
__device__ inline void runTopK(int64_t experts, int64_t topK, bool normalize,
                               const float (&values)[kDotRun], int *ids,
                               float *weights) {
  uint32_t keys[kDotRun] = {}; // 0: chosen already, or no candidate
  forRun(experts, [&](int e, int) { keys[e] = orderKey(values[e]); });
  float sum = 0.0f, ownWeight = 0.0f;
  int ownId = 0; // of the rank that is the lane's number
  for (int rank = 0; rank < static_cast<int>(topK); ++rank) {
    // The lane's first candidate of its largest key.
    uint32_t largest = 0;
    int at = 0;
    float weight = 0.0f;
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      if (keys[e] > largest) {
        largest = keys[e];
        at = e;
        weight = values[e];
      }
    // Lower lanes have smaller indices.
    uint32_t best = __reduce_max_sync(kFullWarp, largest);
    int winner =
        __ffs(static_cast<int>(__ballot_sync(kFullWarp, largest == best))) - 1;
    int id = winner * kDotRun + __shfl_sync(kFullWarp, at, winner);
    weight = __shfl_sync(kFullWarp, weight, winner);
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      if (laneId() == winner && at == e)
        keys[e] = 0;
    sum = sum + weight;
    if (laneId() == rank) {
      ownId = id;
      ownWeight = weight;
    }
  }
  if (laneId() < topK) {
    ids[laneId()] = ownId;
    weights[laneId()] = normalize ? __fdiv_rn(ownWeight, sum) : ownWeight;
  }
}

} // namespace sluice::cuda
