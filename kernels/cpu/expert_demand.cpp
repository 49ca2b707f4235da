//===- expert_demand.cpp - Routed pairs sorted by expert ------------------===//
//
// A counting sort whose counters are the output itself. One thread: the list is
// short, and its order must not depend on who comes first.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"

#include <algorithm>

namespace sluice::cpu {

void expertDemand(const KernelArgs &args, int64_t rows, const Parallel &) {
  const int64_t experts = args.dim[0], pairs = rows * args.dim[1];
  const auto *ids = operand<const int32_t>(args, 0);
  auto *offsets = operand<int32_t>(args, 1);
  auto *order = operand<int32_t>(args, 2);
  std::fill_n(offsets, experts + 1, 0);
  for (int64_t pair = 0; pair < pairs; ++pair)
    ++offsets[ids[pair] + 1];
  for (int64_t expert = 0; expert < experts; ++expert)
    offsets[expert + 1] += offsets[expert];
  // Each expert's begin moves to its end as its pairs are placed, which is the
  // begin of the next: shifting by one brings the begins back.
  for (int64_t pair = 0; pair < pairs; ++pair)
    order[offsets[ids[pair]]++] = static_cast<int32_t>(pair);
  std::copy_backward(offsets, offsets + experts, offsets + experts + 1);
  offsets[0] = 0;
}

} // namespace sluice::cpu
