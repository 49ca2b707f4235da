//===- experts.cuh - Work by expert and its rows ----------------*- C++ -*-===//
//
// Who of a launch works for which expert is only known on the device, from
// expert_demand's `offsets` and `order`; grids are fixed by sizes alone. A unit
// of the grid is a pair (few rows: the first of each eight pairs of an expert
// works, the others leave at once) or an expert (many rows: it walks its pairs,
// eight at a time).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/dots.cuh"

namespace sluice::cuda {

/// Rows of an expert that are computed together.
constexpr int kExpertRows = 8;

struct ExpertArgs {
  const int *offsets, *order, *slots;
  const void *in, *pool;
  DType inType, poolType;
  int64_t experts, topK, slotElements, pairs;

  /// First element of the expert's slot.
  __device__ int64_t slotStart(int expert) const {
    return int64_t{slots[expert]} * slotElements;
  }
};

/// The pairs order[first .. end) of one expert; none where expert is negative.
struct ExpertGroup {
  int expert, first, end;
};

/// The work of `unit`. All threads of the block must call it. With `stride` 1
/// every pair is a unit of its own.
__device__ inline ExpertGroup findGroup(const ExpertArgs &args, bool byPair,
                                        int unit, int stride) {
  __shared__ ExpertGroup group;
  if (!byPair)
    return {unit, args.offsets[unit], args.offsets[unit + 1]};
  if (threadIdx.x == 0)
    group = {-1, 0, 0};
  __syncthreads();
  for (int expert = threadIdx.x; expert < args.experts; expert += blockDim.x) {
    int first = args.offsets[expert], end = args.offsets[expert + 1];
    if (first <= unit && unit < end && (unit - first) % stride == 0)
      group = {expert, unit, min(end, unit + stride)};
  }
  __syncthreads();
  return group;
}

/// Units of the grid for vector kernels.
inline bool expertsByPair(const ExpertArgs &args) {
  return args.pairs <= args.experts;
}
inline int64_t expertUnits(const ExpertArgs &args) {
  return expertsByPair(args) ? args.pairs : args.experts;
}

} // namespace sluice::cuda
