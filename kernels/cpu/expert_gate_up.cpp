//===- expert_gate_up.cpp - First half of the routed experts --------------===//
//
// inner = silu(x . gate) * (x . up), kept in f32, for every routed pair.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/experts.h"
#include "kernels/cpu/kernels.h"

namespace sluice::cpu {

void gateUpTile(const KernelArgs &args, int64_t expert, int64_t first,
                int64_t count) {
  const int64_t topK = args.dim[1], hidden = args.dim[2], inner = args.dim[3];
  const DType type = args.dtype[0], weightType = args.dtype[4];
  const int64_t slot =
      operand<const int32_t>(args, 3)[expert] * args.dim[5] + first * hidden;
  const void *gate = at(args.data[4], weightType, slot + args.dim[6]);
  const void *up = at(args.data[4], weightType, slot + args.dim[7]);
  auto row = [&](int32_t pair) {
    return at(args.data[0], type, pair / topK * hidden);
  };
  RoutedPairs::of(args).forBlocks(
      expert, hidden, type, row,
      [&](const int32_t *pair, int64_t n, const float *packed) {
        float g[kRowBlock][kExpertTile], u[kRowBlock][kExpertTile];
        expertDots(packed, row(*pair), type, n, hidden, gate, weightType, count,
                   g[0]);
        expertDots(packed, row(*pair), type, n, hidden, up, weightType, count,
                   u[0]);
        for (int64_t r = 0; r < n; ++r)
          primitives().siluTimes(g[r], u[r], DType::F32, count,
                                 operand<float>(args, 5) + pair[r] * inner +
                                     first);
      });
}

void expertGateUp(const KernelArgs &args, int64_t, const Parallel &parallel) {
  RoutedPairs::of(args).forTiles(
      parallel, args.dim[3], [&](int64_t expert, int64_t first, int64_t count) {
        gateUpTile(args, expert, first, count);
      });
}

} // namespace sluice::cpu
