//===- convert.h - Narrow floating-point types ------------------*- C++ -*-===//
//
// bf16 and f16 as bits, and their conversions to and from f32, shared by host
// and device as portable_math.h is. Widening is exact. Narrowing rounds to the
// nearest, ties to even, and turns every NaN into one quiet NaN, so that even a
// NaN that reaches memory has the same bits everywhere.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "kernels/portable_math.h"

namespace sluice {

/// One bf16 in memory: the upper half of a binary32.
struct Bf16 {
  uint16_t bits;
};

/// One IEEE binary16 in memory.
struct Half {
  uint16_t bits;
};

SLUICE_PORTABLE float toFloat(float value) { return value; }

SLUICE_PORTABLE float toFloat(Bf16 value) {
  return floatOfBits(static_cast<uint32_t>(value.bits) << 16);
}

SLUICE_PORTABLE float toFloat(Half value) {
  uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  // The half's exponent and fraction, read as binary32, are 2^112 too small;
  // the product is exact, of subnormals too.
  float magnitude =
      floatOfBits(static_cast<uint32_t>(value.bits & 0x7fffu) << 13) * 0x1p112f;
  uint32_t infinite = (value.bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
  return floatOfBits(bitsOfFloat(magnitude) | infinite | sign);
}

SLUICE_PORTABLE Bf16 toBf16(float value) {
  uint32_t bits = bitsOfFloat(value);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  bool isNan = (bits & 0x7fffffffu) > 0x7f800000u;
  return Bf16{static_cast<uint16_t>(isNan ? 0x7fc0u : rounded)};
}

SLUICE_PORTABLE Half toHalf(float value) {
  uint32_t bits = bitsOfFloat(value);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    return Half{0x7e00u};
  } else if (magnitude >= 0x47800000u) { // 2^16 and above
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) { // below 2^-14: subnormal or zero
    // The sum's last bit is worth 2^-24, a half's least: the addition rounds.
    half = bitsOfFloat(floatOfBits(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    half = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  }
  return Half{static_cast<uint16_t>(half | sign)};
}

/// f32 to the element type T of a buffer: fromFloat<Bf16>(x).
template <typename T> SLUICE_PORTABLE T fromFloat(float value);
template <> SLUICE_PORTABLE float fromFloat<float>(float value) {
  return value;
}
template <> SLUICE_PORTABLE Bf16 fromFloat<Bf16>(float value) {
  return toBf16(value);
}
template <> SLUICE_PORTABLE Half fromFloat<Half>(float value) {
  return toHalf(value);
}

/// The DType of a buffer of T.
template <typename T> constexpr DType dtypeOf();
template <> constexpr DType dtypeOf<float>() { return DType::F32; }
template <> constexpr DType dtypeOf<Bf16>() { return DType::BF16; }
template <> constexpr DType dtypeOf<Half>() { return DType::F16; }
template <> constexpr DType dtypeOf<int32_t>() { return DType::I32; }

} // namespace sluice
