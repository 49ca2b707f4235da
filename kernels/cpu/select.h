//===- select.h - Softmax and top-k of a row --------------------*- C++ -*-===//
//
// Shared by softmax, top_k and route, whose bits must agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <cmath>

namespace sluice::cpu {

/// out[i] = e[i] / SUM(e), e[i] = exp(x[i] - the largest x); NaN is no maximum.
inline void softmaxRow(const float *x, int64_t width, float *out) {
  float largest = -INFINITY;
  for (int64_t i = 0; i < width; ++i)
    largest = x[i] > largest ? x[i] : largest;
  primitives().expBelow(x, largest, width, out);
  float sum = sumOf(width, [&](int64_t i) { return out[i]; });
  for (int64_t i = 0; i < width; ++i)
    out[i] = out[i] / sum;
}

/// A key that orders candidates: larger values first, then smaller indices. NaN
/// comes after everything else, so that every row has an order.
inline uint64_t rankKey(float value, uint32_t index) {
  uint32_t bits = bitsOfFloat(value + 0.0f); // -0 is 0
  uint32_t ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    ordered = 0;
  return uint64_t{ordered} << 32 | (0xffffffffu - index);
}

/// Writes the `topK` largest of probability(0 .. experts-1) in order. With
/// `normalize` the weights are divided by their sum in that order.
template <typename Probability>
void topKRow(const Probability &probability, int64_t experts, int64_t topK,
             bool normalize, int32_t *ids, float *weights) {
  uint64_t previous = ~uint64_t{0};
  float sum = 0.0f;
  for (int64_t rank = 0; rank < topK; ++rank) {
    uint64_t best = 0;
    for (int64_t i = 0; i < experts; ++i) {
      uint64_t key = rankKey(probability(i), static_cast<uint32_t>(i));
      if (key < previous && key > best)
        best = key;
    }
    previous = best;
    ids[rank] = static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(best));
    weights[rank] = probability(ids[rank]);
    sum = sum + weights[rank];
  }
  if (normalize)
    for (int64_t rank = 0; rank < topK; ++rank)
      weights[rank] = weights[rank] / sum;
}

} // namespace sluice::cpu
