//===- softmax.cpp - Probabilities of each row ----------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/select.h"

namespace sluice::cpu {

void softmax(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t width = args.dim[0];
  forEach(parallel, rows, [&](int64_t row) {
    softmaxRow(operand<const float>(args, 0) + row * width, width,
               operand<float>(args, 1) + row * width);
  });
}

} // namespace sluice::cpu
