//===- swiglu.cpp - silu(gate) * up ---------------------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

namespace sluice::cpu {

void swiglu(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t width = args.dim[0];
  const DType type = args.dtype[0];
  forEach(parallel, rows, [&](int64_t row) {
    primitives().siluTimes(at(args.data[0], type, row * width),
                           at(args.data[1], type, row * width), type, width,
                           at(args.data[2], type, row * width));
  });
}

} // namespace sluice::cpu
