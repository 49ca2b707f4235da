//===- routing_trace.h - Which experts each token used ----------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::experts {

/// The routing of `rows` tokens through every bank. Owns its arrays.
struct RoutingTrace {
  uint32_t banks = 0;   ///< MoE layers.
  uint32_t experts = 0; ///< Of each bank.
  uint32_t topK = 0;
  uint64_t rows = 0; ///< Tokens, those of a sequence side by side and in order.
  std::vector<int32_t> ids; ///< [rows, banks, topK], each 0..experts-1.

  /// The top-k ids of token `row` in `bank`.
  std::span<const int32_t> at(uint64_t row, uint32_t bank) const {
    return std::span(ids).subspan((row * banks + bank) * topK, topK);
  }
};

/// The token that stands in row `row` of step `step` when a trace of `tokens`
/// tokens is played `rowsPerStep` rows at a time: each row is a stream of its
/// own that begins at row * (tokens / rowsPerStep) and wraps around.
inline uint64_t tokenOf(uint64_t step, uint32_t row, uint32_t rowsPerStep,
                        uint64_t tokens) {
  const uint64_t stride = tokens / rowsPerStep;
  return (row * (stride == 0 ? 1 : stride) + step) % tokens;
}

} // namespace sluice::experts
