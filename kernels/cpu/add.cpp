//===- add.cpp - Sum of two rows ------------------------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm.h"

namespace sluice::cpu {

void add(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t hidden = args.dim[0];
  const DType type = args.dtype[0];
  forEach(parallel, rows, [&](int64_t row) {
    addRow(at(args.data[0], type, row * hidden),
           at(args.data[1], type, row * hidden), type, hidden,
           at(args.data[2], type, row * hidden));
  });
}

} // namespace sluice::cpu
