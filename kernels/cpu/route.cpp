//===- route.cpp - Softmax, top-k and normalisation in one ----------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/select.h"

namespace sluice::cpu {
namespace {

/// Rows of up to this many experts keep their probabilities on the stack; wider
/// ones compute them again for every rank.
constexpr int64_t kMaxStaged = 8192;

void routeRow(const float *x, const KernelArgs &args, int32_t *ids,
              float *weights) {
  const int64_t experts = args.dim[0], topK = args.dim[1];
  const bool normalize = args.dim[2] != 0;
  if (experts <= kMaxStaged) {
    float p[kMaxStaged];
    softmaxRow(x, experts, p);
    topKRow([&](int64_t i) { return p[i]; }, experts, topK, normalize, ids,
            weights);
    return;
  }
  float largest = -INFINITY;
  for (int64_t i = 0; i < experts; ++i)
    largest = x[i] > largest ? x[i] : largest;
  auto exponential = [&](int64_t i) { return portableExp(x[i] - largest); };
  float sum = sumOf(experts, exponential);
  topKRow([&](int64_t i) { return exponential(i) / sum; }, experts, topK,
          normalize, ids, weights);
}

} // namespace

void route(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t experts = args.dim[0], topK = args.dim[1];
  forEach(parallel, rows, [&](int64_t row) {
    routeRow(operand<const float>(args, 0) + row * experts, args,
             operand<int32_t>(args, 1) + row * topK,
             operand<float>(args, 2) + row * topK);
  });
}

} // namespace sluice::cpu
