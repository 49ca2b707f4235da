//===- primitives.cpp - Plain inner loops, and the choice of a table ------===//
//
// This file is compiled for the oldest processor of the build's architecture.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/primitives.h"

#include "kernels/cpu/loops.h"

#include <atomic>

namespace sluice::cpu {
namespace {

#include "kernels/cpu/elementwise-inl.h"

template <typename A, typename B>
float plainDot(const A *a, const B *b, int64_t n) {
  float sums[kDotLanes] = {};
  for (int64_t i = 0; i < n; ++i) {
    float &sum = sums[(i / kDotRun) % kDotLanes];
    sum = fusedMultiplyAdd(toFloat(a[i]), toFloat(b[i]), sum);
  }
  return sumLanes(sums);
}

float dot(const void *a, DType aType, const void *b, DType bType, int64_t n) {
  return withFloats(aType, a, [&](auto *left) {
    return withFloats(bType, b,
                      [&](auto *right) { return plainDot(left, right, n); });
  });
}

void pack(const void *x, DType type, int64_t n, float *packed) {
  withFloats(type, x, [&](auto *values) {
    for (int64_t i = 0; i < n; ++i)
      packed[i] = toFloat(values[i]);
  });
}

void dotRows(const float *packed, int64_t rows, int64_t n, const void *weights,
             DType type, int64_t weightStride, int64_t outputs, float *out,
             int64_t outStride) {
  withFloats(type, weights, [&](auto *first) {
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t r = 0; r < rows; ++r)
        out[r * outStride + o] =
            plainDot(packed + r * packedLength(n), first + o * weightStride, n);
  });
}

void accumulate(const float *factors, int64_t count, const void *values,
                DType type, int64_t stride, int64_t n, float *sums) {
  withFloats(type, values, [&](auto *first) {
    for (int64_t j = 0; j < count; ++j)
      for (int64_t i = 0; i < n; ++i)
        sums[i] = fusedMultiplyAdd(factors[j], toFloat(first[j * stride + i]),
                                   sums[i]);
  });
}

struct Tables {
  const Primitives *all[3] = {&kPlainPrimitives};
  int count = 1;
  Tables() { count += vectorPrimitives(all + 1); }
};

const Tables &tables() {
  static const Tables found;
  return found;
}

std::atomic<const Primitives *> forced{nullptr};

} // namespace

constinit const Primitives kPlainPrimitives = {
    "plain", pack, dotRows, dot, accumulate, expBelow, siluTimes, rotate};

const Primitives *availablePrimitives(int index) {
  const Tables &found = tables();
  return index >= 0 && index < found.count ? found.all[index] : nullptr;
}

const Primitives &primitives() {
  const Primitives *table = forced.load(std::memory_order_relaxed);
  if (table)
    return *table;
  const Tables &found = tables();
  return *found.all[found.count - 1];
}

void forcePrimitives(const Primitives *table) {
  forced.store(table, std::memory_order_relaxed);
}

} // namespace sluice::cpu
