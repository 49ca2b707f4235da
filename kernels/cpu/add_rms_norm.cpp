//===- add_rms_norm.cpp - Residual sum and its norm -----------------------===//
//
// The norm reads the sum as rounded to the activation type, so that the bits
// are those of add followed by rms_norm.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm.h"

namespace sluice::cpu {

void addRmsNorm(const KernelArgs &args, int64_t rows,
                const Parallel &parallel) {
  const int64_t hidden = args.dim[0];
  const DType type = args.dtype[0];
  forEach(parallel, rows, [&](int64_t row) {
    void *sum = at(args.data[3], type, row * hidden);
    addRow(at(args.data[0], type, row * hidden),
           at(args.data[1], type, row * hidden), type, hidden, sum);
    float factor = rmsFactor(sum, type, hidden, args.scalar[0]);
    scaleRow(sum, type, args.data[2], args.dtype[2], factor, hidden,
             at(args.data[4], type, row * hidden));
  });
}

} // namespace sluice::cpu
