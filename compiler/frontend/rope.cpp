//===- rope.cpp - Rotary position parameters ------------------------------===//
//
// The sources of the formulas are compute_default_rope_parameters,
// _compute_linear_scaling_rope_parameters and _compute_yarn_parameters of
// transformers. Tensors there are f32 and Python's numbers are doubles; a
// double that meets a tensor is rounded to f32 first.
//
//===----------------------------------------------------------------------===//
#include "compiler/frontend/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sluice::frontend {
namespace {

/// theta ^ (2i / dim), the exponent rounded to f32 as torch has it.
float positionPeriod(const RopeConfig &rope, int64_t i, int64_t dim) {
  const float exponent = static_cast<float>(2 * i) / static_cast<float>(dim);
  return std::pow(static_cast<float>(rope.theta), exponent);
}

double scaleOfContext(double scale, double mscale) {
  return scale <= 1 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0;
}

double yarnAttentionScale(const RopeConfig &rope) {
  if (rope.attentionFactor)
    return *rope.attentionFactor;
  // Python's `if mscale and mscale_all_dim`: zero counts as absent.
  if (rope.mscale.value_or(0) != 0 && rope.mscaleAllDim.value_or(0) != 0)
    return scaleOfContext(rope.factor, *rope.mscale) /
           scaleOfContext(rope.factor, *rope.mscaleAllDim);
  return scaleOfContext(rope.factor, 1.0);
}

/// The dimension that turns `rotations` times over the original context.
double correctionDim(const RopeConfig &rope, double rotations, int64_t dim) {
  return static_cast<double>(dim) *
         std::log(static_cast<double>(rope.originalMaxPositions) /
                  (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(rope.theta));
}

std::vector<float> yarnFrequencies(const RopeConfig &rope, int64_t dim) {
  double low = correctionDim(rope, rope.betaFast, dim);
  double high = correctionDim(rope, rope.betaSlow, dim);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high)
    high += 0.001; // Keeps the ramp finite.

  std::vector<float> frequencies(dim / 2);
  for (int64_t i = 0; i < dim / 2; ++i) {
    const float ramp =
        std::clamp((static_cast<float>(i) - static_cast<float>(low)) /
                       static_cast<float>(high - low),
                   0.0f, 1.0f);
    const float extrapolated = 1.0f - ramp;
    const float period = positionPeriod(rope, i, dim);
    const float kept = 1.0f / period;
    const float stretched = 1.0f / (static_cast<float>(rope.factor) * period);
    frequencies[i] = stretched * (1.0f - extrapolated) + kept * extrapolated;
  }
  return frequencies;
}

} // namespace

RopeFrequencies computeRope(const RopeConfig &rope, int64_t headDim) {
  RopeFrequencies result;
  if (rope.type == RopeType::Yarn) {
    result.inverseFrequencies = yarnFrequencies(rope, headDim);
    result.attentionScale = static_cast<float>(yarnAttentionScale(rope));
    return result;
  }
  result.inverseFrequencies.resize(headDim / 2);
  for (int64_t i = 0; i < headDim / 2; ++i) {
    float frequency = 1.0f / positionPeriod(rope, i, headDim);
    if (rope.type == RopeType::Linear)
      frequency /= static_cast<float>(rope.factor);
    result.inverseFrequencies[i] = frequency;
  }
  return result;
}

} // namespace sluice::frontend
