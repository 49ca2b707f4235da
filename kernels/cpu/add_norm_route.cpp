//===- add_norm_route.cpp - A residual sum, its norm and the router -------===//
//
// The parts one after the other: what they pass on stays in the caches, and on
// a CPU nothing is gained by having them in one loop.
//
//===----------------------------------------------------------------------===//

#include "kernels/add_norm_route.h"

#include "kernels/cpu/kernels.h"

namespace sluice::cpu {

void addNormRoute(const KernelArgs &args, int64_t rows,
                  const Parallel &parallel) {
  const AddNormRouteParts parts = partsOfAddNormRoute(args);
  addRmsNorm(parts.norm, rows, parallel);
  linear(parts.linear, rows, parallel);
  route(parts.route, rows, parallel);
}

} // namespace sluice::cpu
