//===- linear.cpp - Matrix product with optional bias ---------------------===//

#include "kernels/cpu/linear.h"

#include "kernels/cpu/kernels.h"

namespace sluice::cpu {

void linear(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  LinearTiles work{args, rows};
  forRanges(parallel, work.tiles,
            [&](int64_t begin, int64_t end) { work.run(begin, end); });
}

} // namespace sluice::cpu
