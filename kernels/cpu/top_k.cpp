//===- top_k.cpp - The largest probabilities of each row ------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/select.h"

namespace sluice::cpu {

void topK(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t experts = args.dim[0], topK = args.dim[1];
  forEach(parallel, rows, [&](int64_t row) {
    const float *p = operand<const float>(args, 0) + row * experts;
    topKRow([&](int64_t i) { return p[i]; }, experts, topK, args.dim[2] != 0,
            operand<int32_t>(args, 1) + row * topK,
            operand<float>(args, 2) + row * topK);
  });
}

} // namespace sluice::cpu
