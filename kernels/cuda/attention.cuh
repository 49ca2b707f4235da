//===- attention.cuh - What the forms of attention share --------*- C++ -*-===//
#pragma once

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {

/// The operands of attention. With scratch, the partial result of a row, head
/// and split lies at ((row * heads + head) * splits + split) * (headDim + 2):
/// headDim sums, the maximum and the denominator.
struct Attention {
  const void *q, *kCache, *vCache;
  const int *position, *sequence, *pageTable;
  float *scratch;
  void *out;
  int64_t heads, kvHeads, headDim, pageTokens, pagesPerSequence, splits;
  float scale;

  __device__ int64_t tokens(int64_t row) const {
    return int64_t{position[row]} + 1;
  }
};

/// Whether the splits can be computed by launchAttentionRuns, for bf16 heads of
/// whole runs whose keys are aligned.
bool isAttentionOfRuns(const Attention &args);
/// Computes the splits of all `items` rows and heads into the scratch.
cudaError_t launchAttentionRuns(const Attention &args, unsigned items,
                                const CudaContext &context);

} // namespace sluice::cuda
