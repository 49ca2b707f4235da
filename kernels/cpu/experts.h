//===- experts.h - Products of routed rows with experts ---------*- C++ -*-===//
//
// Shared by expert_gate_up and expert_down. Work is shared out by expert and a
// few outputs, so that many threads share few experts evenly; what a thread
// gets in a row it computes in tiles. Experts that no row asked for are passed
// over, and neither their slot number nor their slot is read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <algorithm>

namespace sluice::cpu {

constexpr int64_t kExpertTile = 64; ///< Outputs at once, at most.
constexpr int64_t kExpertUnit = 8;  ///< Outputs that stay with one thread.

/// The routed pairs of a step, by expert (expert_demand's results).
struct RoutedPairs {
  const int32_t *offsets;
  const int32_t *order;
  int64_t experts;

  bool isActive(int64_t expert) const {
    return offsets[expert + 1] > offsets[expert];
  }

  /// Calls tile(expert, firstOutput, outputs <= kExpertTile) for tiles that
  /// cover all outputs of all active experts.
  template <typename Tile>
  void forTiles(const Parallel &parallel, int64_t outputs,
                const Tile &tile) const {
    int64_t active = 0;
    for (int64_t expert = 0; expert < experts; ++expert)
      active += isActive(expert);
    const int64_t units = (outputs + kExpertUnit - 1) / kExpertUnit;
    forRanges(parallel, active * units, [&](int64_t begin, int64_t end) {
      int64_t expert = -1, found = -1;
      for (int64_t unit = begin; unit < end;) {
        while (found < unit / units)
          found += isActive(++expert);
        const int64_t first = unit % units * kExpertUnit;
        const int64_t left =
            std::min(outputs - first, (end - unit) * kExpertUnit);
        const int64_t count = std::min(kExpertTile, left);
        tile(expert, first, count);
        unit += (count + kExpertUnit - 1) / kExpertUnit;
      }
    });
  }

  /// Calls block(pairs, n, packed) for the pairs of one expert, a block of n at
  /// a time, with row(pair) of `inputs` elements packed for dotRows; packed is
  /// null when the rows are too long for that.
  template <typename Row, typename Block>
  void forBlocks(int64_t expert, int64_t inputs, DType type, const Row &row,
                 const Block &block) const {
    alignas(64) float packed[kPackedFloats];
    int64_t length = packedLength(inputs);
    int64_t rows = std::min(kRowBlock, kPackedFloats / length);
    bool fits = rows > 0;
    rows = std::max<int64_t>(rows, 1);
    for (int64_t i = offsets[expert]; i < offsets[expert + 1]; i += rows) {
      int64_t n = std::min<int64_t>(rows, offsets[expert + 1] - i);
      for (int64_t r = 0; fits && r < n; ++r)
        primitives().pack(row(order[i + r]), type, inputs, packed + r * length);
      block(order + i, n, fits ? packed : nullptr);
    }
  }
};

/// One tile's products of n rows; out is [n][kExpertTile]. Where nothing is
/// packed, n is 1 and `row` is the row itself.
inline void expertDots(const float *packed, const void *row, DType rowType,
                       int64_t n, int64_t inputs, const void *weights,
                       DType type, int64_t outputs, float *out) {
  if (packed) {
    primitives().dotRows(packed, n, inputs, weights, type, inputs, outputs, out,
                         kExpertTile);
    return;
  }
  for (int64_t o = 0; o < outputs; ++o)
    out[o] = primitives().dot(row, rowType, at(weights, type, o * inputs), type,
                              inputs);
}

} // namespace sluice::cpu
