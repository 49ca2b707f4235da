//===- qk_norm_rope_write.cpp - q/k norms, rope and the KV write in one ---===//
//
// The bits are those of rms_norm, rope and kv_write one after the other: the
// norm's result is rounded to the activation type before it is turned.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/norm.h"
#include "kernels/cpu/paging.h"

#include <algorithm>
#include <cstring>

namespace sluice::cpu {
namespace {

/// Norm and rotation of one head of 2 * half elements of `type`.
void normAndRotate(const void *x, DType type, const void *weight,
                   DType weightType, float eps, const float *cosine,
                   const float *sine, int64_t half, void *out) {
  float factor = rmsFactor(x, type, 2 * half, eps);
  constexpr int64_t kChunk = 256;
  alignas(64) std::byte low[kChunk * sizeof(float)];
  alignas(64) std::byte high[kChunk * sizeof(float)];
  for (int64_t i = 0; i < half; i += kChunk) {
    int64_t n = std::min(kChunk, half - i);
    scaleRow(at(x, type, i), type, at(weight, weightType, i), weightType,
             factor, n, low);
    scaleRow(at(x, type, half + i), type, at(weight, weightType, half + i),
             weightType, factor, n, high);
    primitives().rotate(low, high, type, cosine + i, sine + i, n,
                        at(out, type, i), at(out, type, half + i));
  }
}

} // namespace

void qkNormRopeWrite(const KernelArgs &args, int64_t rows,
                     const Parallel &parallel) {
  const int64_t heads = args.dim[0], kvHeads = args.dim[1];
  const int64_t headDim = args.dim[2], half = headDim / 2;
  const DType type = args.dtype[0];
  const auto *position = operand<const int32_t>(args, 5);
  const auto *sequence = operand<const int32_t>(args, 6);
  const Paging paging{operand<const int32_t>(args, 7), args.dim[7],
                      args.dim[5]};
  forEach(parallel, rows, [&](int64_t row) {
    const float *cosine = operand<const float>(args, 8) + position[row] * half;
    const float *sine = operand<const float>(args, 9) + position[row] * half;
    auto turn = [&](int in, int weight, int64_t from, int out, int64_t to) {
      normAndRotate(at(args.data[in], type, from * headDim), type,
                    args.data[weight], args.dtype[weight], args.scalar[0],
                    cosine, sine, half, at(args.data[out], type, to * headDim));
    };
    for (int64_t head = row * heads; head < (row + 1) * heads; ++head)
      turn(0, 3, head, 10, head);
    int64_t cell = paging.cell(sequence[row], position[row]) * kvHeads;
    for (int64_t head = 0; head < kvHeads; ++head)
      turn(1, 4, row * kvHeads + head, 11, cell + head);
    std::memcpy(at(args.data[12], type, cell * headDim),
                at(args.data[2], type, row * kvHeads * headDim),
                kvHeads * headDim * byteSize(type));
  });
}

} // namespace sluice::cpu
