//===- norm.h - Rows of RMS norm and of sums --------------------*- C++ -*-===//
//
// Shared by rms_norm, add, add_rms_norm and qk_norm_rope_write, whose bits must
// agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/loops.h"
#include "kernels/cpu/primitives.h"

#include <cmath>

namespace sluice::cpu {

/// 1 / sqrt(DOT(x, x) / width + eps).
inline float rmsFactor(const void *x, DType type, int64_t width, float eps) {
  float squares = primitives().dot(x, type, x, type, width);
  return 1.0f / std::sqrt(squares / static_cast<float>(width) + eps);
}

/// out[i] = weight[i] * (x[i] * factor) for n elements, rounded to `type`.
inline void scaleRow(const void *x, DType type, const void *weight,
                     DType weightType, float factor, int64_t n, void *out) {
  withActivations(type, x, [&](auto *from) {
    using T = std::decay_t<decltype(*from)>;
    withFloats(weightType, weight, [&](auto *w) {
      auto *to = static_cast<T *>(out);
      for (int64_t i = 0; i < n; ++i)
        to[i] = fromFloat<T>(toFloat(w[i]) * (toFloat(from[i]) * factor));
    });
  });
}

/// out[i] = a[i] + b[i], rounded to `type`.
inline void addRow(const void *a, const void *b, DType type, int64_t n,
                   void *out) {
  withActivations(type, a, [&](auto *left) {
    using T = std::decay_t<decltype(*left)>;
    const auto *right = static_cast<const T *>(b);
    auto *to = static_cast<T *>(out);
    for (int64_t i = 0; i < n; ++i)
      to[i] = fromFloat<T>(toFloat(left[i]) + toFloat(right[i]));
  });
}

} // namespace sluice::cpu
