//===- expected_union.h - Distinct experts of several tokens ----*- C++ -*-===//
//
// How many experts of a layer a step needs. Tokens are taken as independent:
// then an expert that a token uses with probability p is used by at least one
// of n tokens with probability 1 - (1 - p)^n, and the expected size of the
// union is the sum of that over the experts (linearity: the experts of one
// token need not be independent). Uniform routing has p = k / E, which gives E
// (1 - (1 - k/E)^n).
//
// Header only: tools of the runtime half print the same table.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace sluice {

/// Probability that at least one of `rows` tokens uses an expert that a token
/// uses with probability `p`. Without the cancellation that a small p brings.
inline double useProbability(double p, double rows) {
  if (rows <= 0)
    return 0;
  return -std::expm1(rows * std::log1p(-std::clamp(p, 0.0, 1.0)));
}

/// E (1 - (1 - k/E)^n): distinct experts of `rows` tokens under uniform
/// routing. `topK` is at most `experts`, both at least 1.
inline double expectedUnion(double experts, double topK, double rows) {
  return experts * useProbability(topK / experts, rows);
}

/// The same from recorded popularity: expected uses a token, one an expert.
inline double expectedUnion(std::span<const float> popularity, double rows) {
  double sum = 0;
  for (float p : popularity)
    sum += useProbability(p, rows);
  return sum;
}

} // namespace sluice
