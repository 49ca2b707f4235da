//===- elementwise-inl.h - Loops compiled per instruction set ---*- C++ -*-===//
//
// Element by element, so that the compiler may vectorise them as it likes
// without changing a bit. Included inside a namespace of its own for each
// instruction set, and therefore without an include guard; it must not call a
// function that is not inlined by force, which the linker might share.
//
//===----------------------------------------------------------------------===//

inline void expBelow(const float *x, float largest, int64_t n, float *out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = portableExp(x[i] - largest);
}

template <typename T>
inline void siluTimesOf(const T *gate, const T *up, int64_t n, T *out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = fromFloat<T>(portableSilu(toFloat(gate[i])) * toFloat(up[i]));
}

inline void siluTimes(const void *gate, const void *up, DType type, int64_t n,
                      void *out) {
  if (type == DType::BF16)
    siluTimesOf(static_cast<const Bf16 *>(gate), static_cast<const Bf16 *>(up),
                n, static_cast<Bf16 *>(out));
  else
    siluTimesOf(static_cast<const float *>(gate),
                static_cast<const float *>(up), n, static_cast<float *>(out));
}

template <typename T>
inline void rotateOf(const T *low, const T *high, const float *cosine,
                     const float *sine, int64_t n, T *lowOut, T *highOut) {
  for (int64_t i = 0; i < n; ++i) {
    float a = toFloat(low[i]), b = toFloat(high[i]);
    float c = cosine[i], s = sine[i];
    lowOut[i] = fromFloat<T>(fusedMultiplyAdd(a, c, -(b * s)));
    highOut[i] = fromFloat<T>(fusedMultiplyAdd(b, c, a * s));
  }
}

inline void rotate(const void *low, const void *high, DType type,
                   const float *cosine, const float *sine, int64_t n,
                   void *lowOut, void *highOut) {
  if (type == DType::BF16)
    rotateOf(static_cast<const Bf16 *>(low), static_cast<const Bf16 *>(high),
             cosine, sine, n, static_cast<Bf16 *>(lowOut),
             static_cast<Bf16 *>(highOut));
  else
    rotateOf(static_cast<const float *>(low), static_cast<const float *>(high),
             cosine, sine, n, static_cast<float *>(lowOut),
             static_cast<float *>(highOut));
}
