//===- grouped.cuh - Matrix products by expert ------------------*- C++ -*-===//
//
// The pairs of each expert, cut into tiles of 64, times the expert's weight
// rows, 64 at a time. Tiles are fixed and K is walked in one order, so a row's
// bits depend on the row and the weights alone. Three stages of asynchronous
// copies keep the next tiles on their way.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/experts.cuh"
#include "kernels/cuda/mma.cuh"

namespace sluice::cuda {

constexpr int kTile = 64;         ///< Rows, columns and depth of a tile.
constexpr int kTileStride = 72;   ///< Elements between its rows.
constexpr int kTileThreads = 128; ///< Two by two warps of 32 x 32 results.
constexpr int kStages = 3;

/// One stage: rows of type A, and the tiles of `Rights` weight matrices.
template <typename A, int Rights> struct Stage {
  A left[kTile * kTileStride];
  Bf16 right[Rights][kTile * kTileStride];
};

/// Which pairs a block computes: order[first .. first + count) of an expert.
struct PairTile {
  int expert, first, count;
};

/// Tile `index` of all experts' tiles in order; count is 0 past the last. Every
/// warp finds it for itself.
__device__ inline PairTile findTile(const ExpertArgs &args, int index) {
  int before = 0;
  for (int base = 0; base < args.experts; base += kWarp) {
    int expert = base + laneId();
    int first = 0, pairs = 0;
    if (expert < args.experts) {
      first = args.offsets[expert];
      pairs = args.offsets[expert + 1] - first;
    }
    int tiles = (pairs + kTile - 1) / kTile, upTo = tiles;
#pragma unroll
    for (int distance = 1; distance < kWarp; distance *= 2) {
      int other = __shfl_up_sync(kFullWarp, upTo, distance);
      if (laneId() >= distance)
        upTo += other;
    }
    int own = index - before - (upTo - tiles); // which of this expert's tiles
    unsigned found = __ballot_sync(kFullWarp, own >= 0 && own < tiles);
    if (found) {
      int lane = __ffs(found) - 1;
      int start = first + own * kTile;
      int count = min(kTile, pairs - own * kTile);
      return {base + lane, __shfl_sync(kFullWarp, start, lane),
              __shfl_sync(kFullWarp, count, lane)};
    }
    before += __shfl_sync(kFullWarp, upTo, kWarp - 1);
  }
  return {0, 0, 0};
}

/// The most tiles that `pairs` pairs over `experts` experts can make.
inline int64_t maxTiles(int64_t experts, int64_t pairs) {
  return pairs / kTile + (experts < pairs ? experts : pairs);
}

/// sums[r][i][j] += the 16 x 8 results (i, j) of the warp for weight matrix r.
/// `rowStart` (shared memory) holds where each row begins in `in`, negative for
/// none; `right[r]` is weight row `column` 0 of the tile; columns and depth
/// that do not exist count as zeros. All threads of the block must call it.
template <typename A, int Rights>
__device__ void tileProduct(Stage<A, Rights> *stages, const A *in,
                            const int64_t *rowStart,
                            const Bf16 *const (&right)[Rights], int columns,
                            int depth, float (&sums)[Rights][2][4][4]) {
  constexpr int kPerCopy = 16 / sizeof(A);
  constexpr int kLeftCopies = kTile / kPerCopy; // of one row
  auto fetch = [&](int step) {
    Stage<A, Rights> &stage = stages[step % kStages];
#pragma unroll
    for (int item = threadIdx.x; item < kTile * kLeftCopies;
         item += kTileThreads) {
      int row = item / kLeftCopies, k = item % kLeftCopies * kPerCopy;
      int64_t start = rowStart[row];
      bool valid = start >= 0 && step * kTile + k < depth;
      copyAsync(stage.left + row * kTileStride + k,
                valid ? in + start + step * kTile + k : in, valid);
    }
#pragma unroll
    for (int item = threadIdx.x; item < kTile * 8; item += kTileThreads) {
      int row = item / 8, k = item % 8 * 8;
      bool valid = row < columns && step * kTile + k < depth;
      int64_t from = valid ? int64_t{row} * depth + step * kTile + k : 0;
#pragma unroll
      for (int r = 0; r < Rights; ++r)
        copyAsync(stage.right[r] + row * kTileStride + k, right[r] + from,
                  valid);
    }
  };

  int warp = threadIdx.x / kWarp;
  int rowBase = warp / 2 * 32, columnBase = warp % 2 * 32;
  int steps = (depth + kTile - 1) / kTile;
  for (int step = 0; step < kStages - 1; ++step) {
    if (step < steps)
      fetch(step);
    commitCopies();
  }
  for (int step = 0; step < steps; ++step) {
    waitCopies<kStages - 2>();
    __syncthreads(); // this step has arrived, the one before it has been read
    if (step + kStages - 1 < steps)
      fetch(step + kStages - 1);
    commitCopies();
    const Stage<A, Rights> &stage = stages[step % kStages];
#pragma unroll
    for (int k = 0; k < kTile; k += 16) {
      unsigned left[2][4];
#pragma unroll
      for (int i = 0; i < 2; ++i)
        loadLeft(left[i], stage.left + (rowBase + 16 * i) * kTileStride + k,
                 kTileStride);
#pragma unroll
      for (int r = 0; r < Rights; ++r)
#pragma unroll
        for (int pair = 0; pair < 2; ++pair) {
          unsigned weights[4];
          loadRight(weights,
                    stage.right[r] + (columnBase + 16 * pair) * kTileStride + k,
                    kTileStride);
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            multiply(sums[r][i][2 * pair], left[i], weights[0], weights[1]);
            multiply(sums[r][i][2 * pair + 1], left[i], weights[2], weights[3]);
          }
        }
    }
  }
}

/// Calls `store(row, column, i, j, c)` for this lane's results: the row and the
/// first of two columns in the tile, and where they stand in `sums`:
/// [i][j][c] and [i][j][c + 1].
template <typename Store> __device__ void forEachResult(Store store) {
  int warp = threadIdx.x / kWarp;
#pragma unroll
  for (int i = 0; i < 2; ++i)
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int j = 0; j < 4; ++j)
        store(warp / 2 * 32 + 16 * i + 8 * half + laneId() / 4,
              warp % 2 * 32 + 8 * j + laneId() % 4 * 2, i, j, 2 * half);
}

/// What the matrix units need of a launch; else the portable kernel runs.
inline bool tensorExperts(const ExpertArgs &args, int64_t hidden, int64_t inner,
                          int64_t offset, int64_t otherOffset) {
  return args.poolType == DType::BF16 && hidden % 8 == 0 && inner % 8 == 0 &&
         args.slotElements % 8 == 0 && offset % 8 == 0 &&
         otherOffset % 8 == 0 && isAligned16(args.in) &&
         isAligned16(args.pool) && hidden < (1 << 30) && inner < (1 << 30);
}

} // namespace sluice::cuda
