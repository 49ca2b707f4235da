//===- expert_scatter.cpp - Rows of pairs to their places -----------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"

#include <cstring>

namespace sluice::cpu {

void expertScatter(const KernelArgs &args, int64_t rows,
                   const Parallel &parallel) {
  const int64_t hidden = args.dim[1];
  const auto *in = operand<const float>(args, 0);
  const auto *index = operand<const int32_t>(args, 1);
  forEach(parallel, rows, [&](int64_t row) {
    std::memcpy(operand<float>(args, 2) + index[row] * hidden,
                in + index[row] * hidden, hidden * sizeof(float));
  });
}

} // namespace sluice::cpu
