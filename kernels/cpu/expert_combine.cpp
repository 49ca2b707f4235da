//===- expert_combine.cpp - Weighted sum of a row's expert outputs --------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <algorithm>

namespace sluice::cpu {

void expertCombine(const KernelArgs &args, int64_t rows,
                   const Parallel &parallel) {
  const int64_t topK = args.dim[0], hidden = args.dim[1];
  forEach(parallel, rows, [&](int64_t row) {
    const float *in = operand<const float>(args, 0) + row * topK * hidden;
    const float *weights = operand<const float>(args, 1) + row * topK;
    constexpr int64_t kChunk = 512;
    for (int64_t i = 0; i < hidden; i += kChunk) {
      int64_t n = std::min(kChunk, hidden - i);
      float sums[kChunk] = {};
      primitives().accumulate(weights, topK, in + i, DType::F32, hidden, n,
                              sums);
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
