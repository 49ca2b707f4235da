//===- embed.cpp - Rows of the embedding table ----------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"

namespace sluice::cpu {

void embed(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t hidden = args.dim[1];
  const auto *tokens = operand<const int32_t>(args, 0);
  forEach(parallel, rows, [&](int64_t row) {
    const void *source = at(args.data[1], args.dtype[1], tokens[row] * hidden);
    void *target = at(args.data[2], args.dtype[2], row * hidden);
    withFloats(args.dtype[1], source, [&](auto *from) {
      withActivations(args.dtype[2], target, [&](auto *to) {
        for (int64_t i = 0; i < hidden; ++i)
          to[i] = fromFloat<std::decay_t<decltype(*to)>>(toFloat(from[i]));
      });
    });
  });
}

} // namespace sluice::cpu
