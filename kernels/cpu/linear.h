//===- linear.h - The tiles of a matrix product -----------------*- C++ -*-===//
//
// Shared by linear and linear_group, whose bits must agree. A unit of work is a
// tile of outputs and rows. Inside it the rows are taken a block at a time, so
// that a weight row is loaded once for the block and found in the cache by the
// next; the bits depend on neither.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <algorithm>

namespace sluice::cpu {

/// A linear launch as tiles of kTileOutputs outputs and kTileRows rows, counted
/// from 0. Tiles may run in any order and on any thread.
struct LinearTiles {
  static constexpr int64_t kTileOutputs = 32;
  static constexpr int64_t kTileRows = 64;

  KernelArgs args;
  int64_t rows;
  int64_t inputs = args.dim[0], outputs = args.dim[1];
  int64_t rowTiles = (rows + kTileRows - 1) / kTileRows;
  int64_t tiles = (outputs + kTileOutputs - 1) / kTileOutputs * rowTiles;
  /// Rows whose packed form fits on the stack: none when inputs are too many.
  int64_t block = std::min(kRowBlock, kPackedFloats / packedLength(inputs));

  /// Computes tiles [begin, end).
  void run(int64_t begin, int64_t end) const {
    alignas(64) float packed[kPackedFloats];
    float y[kRowBlock][kTileOutputs];
    for (int64_t tile = begin; tile < end; ++tile) {
      int64_t first = tile / rowTiles * kTileOutputs;
      int64_t count = std::min(kTileOutputs, outputs - first);
      int64_t row = tile % rowTiles * kTileRows;
      int64_t rowEnd = std::min(rows, row + kTileRows);
      if (block == 0) {
        runLong(row, rowEnd, first, count);
        continue;
      }
      for (; row < rowEnd; row += block) {
        int64_t n = std::min(block, rowEnd - row);
        // A single block stays packed for all tiles of the range.
        if (rows > block || tile == begin)
          for (int64_t r = 0; r < n; ++r)
            primitives().pack(in(row + r), args.dtype[0], inputs,
                              packed + r * packedLength(inputs));
        primitives().dotRows(packed, n, inputs, weight(first), args.dtype[1],
                             inputs, count, y[0], kTileOutputs);
        for (int64_t r = 0; r < n; ++r)
          store(row + r, first, count, y[r]);
      }
    }
  }

private:
  const void *in(int64_t row) const {
    return at(args.data[0], args.dtype[0], row * inputs);
  }
  const void *weight(int64_t output) const {
    return at(args.data[1], args.dtype[1], output * inputs);
  }

  /// Adds the bias to results of one row and stores them.
  void store(int64_t row, int64_t first, int64_t count, float *y) const {
    if (args.data[2])
      withFloats(args.dtype[2], at(args.data[2], args.dtype[2], first),
                 [&](const auto *bias) {
                   for (int64_t o = 0; o < count; ++o)
                     y[o] = y[o] + toFloat(bias[o]);
                 });
    withActivations(args.dtype[3],
                    at(args.data[3], args.dtype[3], row * outputs + first),
                    [&](auto *out) {
                      using T = std::decay_t<decltype(*out)>;
                      for (int64_t o = 0; o < count; ++o)
                        out[o] = fromFloat<T>(y[o]);
                    });
  }

  void runLong(int64_t row, int64_t rowEnd, int64_t first,
               int64_t count) const {
    for (; row < rowEnd; ++row) {
      float y[kTileOutputs];
      for (int64_t o = 0; o < count; ++o)
        y[o] = primitives().dot(in(row), args.dtype[0], weight(first + o),
                                args.dtype[1], inputs);
      store(row, first, count, y);
    }
  }
};

} // namespace sluice::cpu
