//===- loops.h - Loops and types that CPU kernels share ---------*- C++ -*-===//
//
// For files compiled for the baseline processor; primitives_vector.cpp must not
// include it, because the linker could then share its functions.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/convert.h"
#include "kernels/cpu/registry.h"

namespace sluice::cpu {

/// Calls body(begin, end) on ranges that cover [0, count).
template <typename Body>
void forRanges(const Parallel &parallel, int64_t count, const Body &body) {
  if (count <= 0)
    return;
  if (!parallel.run || count == 1) {
    body(int64_t{0}, count);
    return;
  }
  parallel.run(
      parallel.pool, count,
      [](void *context, int64_t begin, int64_t end) {
        (*static_cast<const Body *>(context))(begin, end);
      },
      const_cast<Body *>(&body));
}

/// Calls body(i) for each i in [0, count).
template <typename Body>
void forEach(const Parallel &parallel, int64_t count, const Body &body) {
  forRanges(parallel, count, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      body(i);
  });
}

/// Calls body with `data` as a pointer to the C++ type of `type`, which must be
/// a floating type. Keeps const.
template <typename Void, typename Body>
auto withFloats(DType type, Void *data, const Body &body) {
  constexpr bool isConst = std::is_const_v<Void>;
  using B = std::conditional_t<isConst, const Bf16, Bf16>;
  using H = std::conditional_t<isConst, const Half, Half>;
  using F = std::conditional_t<isConst, const float, float>;
  switch (type) {
  case DType::BF16:
    return body(static_cast<B *>(data));
  case DType::F16:
    return body(static_cast<H *>(data));
  default:
    return body(static_cast<F *>(data));
  }
}

/// As withFloats, for activations: bf16 or f32.
template <typename Void, typename Body>
auto withActivations(DType type, Void *data, const Body &body) {
  using B = std::conditional_t<std::is_const_v<Void>, const Bf16, Bf16>;
  using F = std::conditional_t<std::is_const_v<Void>, const float, float>;
  if (type == DType::BF16)
    return body(static_cast<B *>(data));
  return body(static_cast<F *>(data));
}

/// Operand `index`, as T.
template <typename T> T *operand(const KernelArgs &args, int index) {
  return static_cast<T *>(args.data[index]);
}

/// The address of element `index` of an operand of any type.
inline const void *at(const void *data, DType type, int64_t index) {
  return static_cast<const char *>(data) +
         index * static_cast<int64_t>(byteSize(type));
}
inline void *at(void *data, DType type, int64_t index) {
  return static_cast<char *>(data) +
         index * static_cast<int64_t>(byteSize(type));
}

/// The tree at the end of a dot product or a sum; spoils `sums`.
inline float sumLanes(float (&sums)[kDotLanes]) {
  for (int distance = kDotLanes / 2; distance > 0; distance /= 2)
    for (int j = 0; j < distance; ++j)
      sums[j] = sums[j] + sums[j + distance];
  return sums[0];
}

/// SUM of value(i) for i < n.
template <typename Value> float sumOf(int64_t n, const Value &value) {
  float sums[kDotLanes] = {};
  for (int64_t i = 0; i < n; ++i) {
    float &sum = sums[(i / kDotRun) % kDotLanes];
    sum = sum + value(i);
  }
  return sumLanes(sums);
}

} // namespace sluice::cpu
