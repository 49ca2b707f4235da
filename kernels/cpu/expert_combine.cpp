//===- expert_combine.cpp - Weighted sum of a row's expert outputs --------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <algorithm>
#include <cstring>

namespace sluice::cpu {
namespace {

constexpr int64_t kChunk = 512; ///< Outputs at once.

/// sums += weight * values of one pair's outputs [first, first + n), of which
/// the first `share` of all are in `results`.
void addPair(float weight, const float *in, const float *results, int64_t share,
             int64_t first, int64_t n, float *sums) {
  const int64_t theirs = std::clamp<int64_t>(share - first, 0, n);
  float values[kChunk];
  std::memcpy(values, results + first, theirs * sizeof(float));
  std::memcpy(values + theirs, in + first + theirs,
              (n - theirs) * sizeof(float));
  primitives().accumulate(&weight, 1, values, DType::F32, n, n, sums);
}

} // namespace

void expertCombine(const KernelArgs &args, int64_t rows,
                   const Parallel &parallel) {
  const int64_t topK = args.dim[0], hidden = args.dim[1];
  const auto *shares = operand<const int32_t>(args, 4);
  forEach(parallel, rows, [&](int64_t row) {
    const float *in = operand<const float>(args, 0) + row * topK * hidden;
    const float *weights = operand<const float>(args, 1) + row * topK;
    for (int64_t i = 0; i < hidden; i += kChunk) {
      int64_t n = std::min(kChunk, hidden - i);
      float sums[kChunk] = {};
      if (args.dim[2] == 0)
        primitives().accumulate(weights, topK, in + i, DType::F32, hidden, n,
                                sums);
      else
        for (int64_t rank = 0; rank < topK; ++rank)
          addPair(weights[rank], in + rank * hidden,
                  operand<const float>(args, 3) + (row * topK + rank) * hidden,
                  shares[row * topK + rank], i, n, sums);
      withActivations(args.dtype[2],
                      at(args.data[2], args.dtype[2], row * hidden + i),
                      [&](auto *out) {
                        using T = std::decay_t<decltype(*out)>;
                        for (int64_t k = 0; k < n; ++k)
                          out[k] = fromFloat<T>(sums[k]);
                      });
    }
  });
}

} // namespace sluice::cpu
