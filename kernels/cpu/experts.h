//===- experts.h - Products of routed rows with experts ---------*- C++ -*-===//
//
// Shared by expert_gate_up, expert_down and both in one loop (expert_halves.h).
// Work is shared out by expert and a few outputs, so that many threads share
// few experts evenly; what a thread gets in a row it computes in tiles. Experts
// that no row asked for are passed over, and neither their slot number nor
// their slot is read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <algorithm>

namespace sluice::cpu {

constexpr int64_t kExpertTile = 64; ///< Outputs at once, at most.
constexpr int64_t kExpertUnit = 8;  ///< Outputs that stay with one thread.

inline int64_t unitsOf(int64_t outputs, int64_t unit) {
  return (outputs + unit - 1) / unit;
}

/// The routed pairs of a step, by expert (expert_demand's results).
struct RoutedPairs {
  const int32_t *offsets;
  const int32_t *order;
  int64_t experts;

  static RoutedPairs of(const KernelArgs &args) {
    return {operand<const int32_t>(args, 1), operand<const int32_t>(args, 2),
            args.dim[0]};
  }

  bool isActive(int64_t expert) const {
    return offsets[expert + 1] > offsets[expert];
  }

  int64_t active() const {
    int64_t count = 0;
    for (int64_t expert = 0; expert < experts; ++expert)
      count += isActive(expert);
    return count;
  }

  /// Calls tile(expert, firstOutput, outputs <= kExpertTile) for tiles that
  /// cover the units [begin, end) of `unit` outputs; each active expert has
  /// unitsOf(outputs, unit) of them, in order.
  template <typename Tile>
  void forUnits(int64_t begin, int64_t end, int64_t outputs, int64_t unit,
                const Tile &tile) const {
    const int64_t units = unitsOf(outputs, unit);
    int64_t expert = -1, found = -1;
    for (int64_t at = begin; at < end;) {
      while (found < at / units)
        found += isActive(++expert);
      const int64_t first = at % units * unit;
      const int64_t left = std::min(outputs - first, (end - at) * unit);
      const int64_t count = std::min(kExpertTile / unit * unit, left);
      tile(expert, first, count);
      at += unitsOf(count, unit);
    }
  }

  /// The same for all outputs of all active experts.
  template <typename Tile>
  void forTiles(const Parallel &parallel, int64_t outputs,
                const Tile &tile) const {
    forRanges(parallel, active() * unitsOf(outputs, kExpertUnit),
              [&](int64_t begin, int64_t end) {
                forUnits(begin, end, outputs, kExpertUnit, tile);
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

/// `count` <= kExpertTile outputs from `first` on of all rows of one expert: a
/// tile of the kernel that `args` are of.
void gateUpTile(const KernelArgs &args, int64_t expert, int64_t first,
                int64_t count);
void downTile(const KernelArgs &args, int64_t expert, int64_t first,
              int64_t count);

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
