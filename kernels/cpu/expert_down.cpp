//===- expert_down.cpp - Second half of the routed experts ----------------===//

#include "kernels/cpu/experts.h"
#include "kernels/cpu/kernels.h"

#include <cstring>

namespace sluice::cpu {

void downTile(const KernelArgs &args, int64_t expert, int64_t first,
              int64_t count) {
  const int64_t hidden = args.dim[2], inner = args.dim[3];
  const DType weightType = args.dtype[4];
  const int64_t slot =
      operand<const int32_t>(args, 3)[expert] * args.dim[5] + args.dim[6];
  const void *down = at(args.data[4], weightType, slot + first * inner);
  auto row = [&](int32_t pair) {
    return operand<const float>(args, 0) + pair * inner;
  };
  RoutedPairs::of(args).forBlocks(
      expert, inner, DType::F32, row,
      [&](const int32_t *pair, int64_t n, const float *packed) {
        float y[kRowBlock][kExpertTile];
        expertDots(packed, row(*pair), DType::F32, n, inner, down, weightType,
                   count, y[0]);
        for (int64_t r = 0; r < n; ++r)
          std::memcpy(operand<float>(args, 5) + pair[r] * hidden + first, y[r],
                      count * sizeof(float));
      });
}

void expertDown(const KernelArgs &args, int64_t, const Parallel &parallel) {
  const int64_t skipped = args.dim[7];
  RoutedPairs::of(args).forTiles(
      parallel, args.dim[2] - skipped,
      [&](int64_t expert, int64_t first, int64_t count) {
        downTile(args, expert, skipped + first, count);
      });
}

} // namespace sluice::cpu
