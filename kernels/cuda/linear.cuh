//===- linear.cuh - Tiles of y = x W^T (+ bias) -----------------*- C++ -*-===//
//
// Shared by linear and linear_group, whose bits must agree: what one warp does,
// and which tile goes with how many rows and outputs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/dots.cuh"

namespace sluice::cuda {

/// One matrix and what it multiplies.
struct Linear {
  const void *in, *weight, *bias;
  void *out;
  DType inType, weightType, biasType, outType;
  int64_t inputs, outputs, rows;

  Linear() = default;
  Linear(const KernelArgs &args, int64_t rows)
      : in(args.data[0]), weight(args.data[1]), bias(args.data[2]),
        out(args.data[3]), inType(args.dtype[0]), weightType(args.dtype[1]),
        biasType(args.dtype[2]), outType(args.dtype[3]), inputs(args.dim[0]),
        outputs(args.dim[1]), rows(rows) {}

  /// Whether 16 bytes of a row can be loaded at once, wherever they lie in it.
  bool hasWholeRuns() const {
    return inputs != 0 && inputs % kDotRun == 0 && isAligned16(in) &&
           isAligned16(weight);
  }

  __device__ void store(int64_t row, int64_t output, float value) const {
    if (bias)
      value = value + loadAny(bias, biasType, output);
    storeAny(out, outType, row * outputs + output, value);
  }
};

/// Blocks that a multiprocessor has room for at least. One row's product is all
/// waiting for weights, of which more blocks have more in flight.
template <typename W, int R, int O>
constexpr int kMinBlocks = R * O == 1 && sizeof(W) == 2 ? 4 : 2;

/// A block's shared memory.
template <int R> constexpr int kLinearStaged = R * kChunk<R>;

/// One warp makes outputs [first, first + O) of R rows from `firstRow`, as far
/// as there are such. `args` says what is multiplied, the same for all threads
/// of the block, all of which must call it; `own` says by which matrix and
/// where results go, the same for a warp. `staged` holds kLinearStaged<R>
/// floats.
template <typename W, int R, int O, int Warps>
__device__ __forceinline__ void linearTile(float *staged, const Linear &args,
                                           const Linear &own, int64_t firstRow,
                                           int64_t first) {
  int valid = static_cast<int>(min(int64_t{R}, args.rows - firstRow));
  const W *weights[O];
#pragma unroll
  for (int o = 0; o < O; ++o)
    weights[o] = static_cast<const W *>(own.weight) +
                 min(first + o, own.outputs - 1) * args.inputs;
  // Weights have nothing to wait for. Behind what blockDots has in flight the
  // rest of few rows is asked for as far as the L2.
  auto ready = [&] {
    constexpr int kPiece = 64; // elements, at least a line of the L2
    if constexpr (O == 1)
      for (int64_t i = kRunsAhead<O> * kDotBlock + laneId() * kPiece;
           i < args.inputs; i += kWarp * kPiece)
        prefetch(weights[0] + i);
    awaitEarlier();
  };
  float acc[R * O];
  blockDots<W, R, O, Warps>(
      staged, args.inputs, args.in, args.inType,
      [&](int r) { return (firstRow + r) * args.inputs; }, valid, weights,
      first < own.outputs, acc, ready);
  float total = reduceMany<R * O>(acc);
  constexpr int kSpread = kWarp / (R * O);
  int index = laneId() / kSpread, r = index / O, o = index % O;
  if (laneId() % kSpread == 0 && r < valid && first + o < own.outputs)
    own.store(firstRow + r, first + o, total);
}

/// A kernel's form: R rows and O outputs a warp, and the warps of a block.
template <typename Weight, int R, int O, int W = kDotWarps> struct Tile {
  using Type = Weight;
  static constexpr int kRows = R, kOutputs = O, kWarps = W;
};

/// More outputs a warp mean fewer reads of shared memory, as long as there are
/// enough of them to keep all multiprocessors busy. One row's few outputs go to
/// small blocks, so that most multiprocessors get some.
template <typename W, int R, int Few, typename Launch>
cudaError_t withRowTile(int64_t rows, int64_t outputs,
                        const CudaContext &context, Launch launch) {
  int64_t blocks = ceilDiv(rows, R) * ceilDiv(outputs, kDotWarps * 4);
  if (blocks >= 2 * context.multiprocessors)
    return launch(Tile<W, R, 4>{});
  if constexpr (R == 1)
    if (ceilDiv(outputs, kDotWarps) < context.multiprocessors)
      return launch(Tile<W, 1, 1, kDotWarps / 2>{});
  return launch(Tile<W, R, Few>{});
}

/// Calls `launch` with the Tile for so many rows and outputs.
template <typename Launch>
cudaError_t withTile(DType weight, int64_t rows, int64_t outputs,
                     const CudaContext &context, Launch launch) {
  return withWeight(weight, [&](auto tag) {
    using W = typename decltype(tag)::Type;
    if (rows == 1)
      return withRowTile<W, 1, 1>(rows, outputs, context, launch);
    if (rows == 2)
      return withRowTile<W, 2, 1>(rows, outputs, context, launch);
    if (rows <= 4)
      return withRowTile<W, 4, 2>(rows, outputs, context, launch);
    return withRowTile<W, 8, 2>(rows, outputs, context, launch);
  });
}

} // namespace sluice::cuda
