//===- select.cuh - Softmax and top-k of a row by one warp ------*- C++ -*-===//
//
// Shared by softmax, top_k and route, whose bits must agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/device.cuh"

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

/// A key that orders candidates: larger values first, then smaller indices. NaN
/// comes after everything else, so that every row has an order.
__device__ inline uint64_t rankKey(float value, uint32_t index) {
  uint32_t bits = bitsOfFloat(value + 0.0f); // -0 is 0
  uint32_t ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    ordered = 0;
  return uint64_t{ordered} << 32 | (0xffffffffu - index);
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

} // namespace sluice::cuda
