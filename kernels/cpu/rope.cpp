//===- rope.cpp - Rotary position embedding, half split -------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

namespace sluice::cpu {

void rope(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t heads = args.dim[0], headDim = args.dim[1], half = headDim / 2;
  const DType type = args.dtype[0];
  const auto *position = operand<const int32_t>(args, 1);
  forEach(parallel, rows, [&](int64_t row) {
    const float *cosine = operand<const float>(args, 2) + position[row] * half;
    const float *sine = operand<const float>(args, 3) + position[row] * half;
    for (int64_t head = row * heads; head < (row + 1) * heads; ++head)
      primitives().rotate(at(args.data[0], type, head * headDim),
                          at(args.data[0], type, head * headDim + half), type,
                          cosine, sine, half,
                          at(args.data[4], type, head * headDim),
                          at(args.data[4], type, head * headDim + half));
  });
}

} // namespace sluice::cpu
