//===- rms_norm.cpp - Root-mean-square norm of groups ---------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm.h"

namespace sluice::cpu {

void rmsNorm(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t groups = args.dim[0], width = args.dim[1];
  const DType type = args.dtype[0];
  forEach(parallel, rows * groups, [&](int64_t group) {
    const void *x = at(args.data[0], type, group * width);
    float factor = rmsFactor(x, type, width, args.scalar[0]);
    scaleRow(x, type, args.data[1], args.dtype[1], factor, width,
             at(args.data[2], type, group * width));
  });
}

} // namespace sluice::cpu
