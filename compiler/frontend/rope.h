//===- rope.h - Rotary position parameters ----------------------*- C++ -*-===//
//
// The three kinds of rotary embedding Qwen3-MoE is published with, computed as
// transformers' modeling_rope_utils does: in f32 where it uses f32, in double
// where it uses Python floats.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::frontend {

enum class RopeType : uint8_t { Default, Linear, Yarn };

/// The parameters of rotary embeddings, checked.
struct RopeConfig {
  RopeType type = RopeType::Default;
  double theta = 10000.0;
  double factor = 1.0; ///< Linear and YaRN.
  // YaRN alone:
  double betaFast = 32.0;
  double betaSlow = 1.0;
  std::optional<double> attentionFactor;
  std::optional<double> mscale;
  std::optional<double> mscaleAllDim;
  int64_t originalMaxPositions = 0;
  bool truncate = true;
};

/// angle(p, i) = p * inverseFrequencies[i]; cosines and sines are multiplied
/// by attentionScale.
struct RopeFrequencies {
  std::vector<float> inverseFrequencies; ///< headDim / 2
  float attentionScale = 1.0f;
};

/// `headDim` is even and positive.
RopeFrequencies computeRope(const RopeConfig &rope, int64_t headDim);

} // namespace sluice::frontend
