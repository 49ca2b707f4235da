//===- select_rows.cpp - The rows whose logits are wanted -----------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"

#include <cstring>

namespace sluice::cpu {

void selectRows(const KernelArgs &args, int64_t rows,
                const Parallel &parallel) {
  const int64_t hidden = args.dim[0];
  const DType type = args.dtype[0];
  const auto *chosen = operand<const int32_t>(args, 1);
  forEach(parallel, rows, [&](int64_t row) {
    std::memcpy(at(args.data[2], type, row * hidden),
                at(args.data[0], type, chosen[row] * hidden),
                hidden * byteSize(type));
  });
}

} // namespace sluice::cpu
