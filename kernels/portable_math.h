//===- portable_math.h - Arithmetic shared by CPU and GPU -------*- C++ -*-===//
//
// The scalar functions and constants of the portable arithmetic class. Host and
// device compile this one source (C++20 there, CUDA C++17 here), so that their
// bits cannot drift apart: every rounding below is one of IEEE binary32's, and
// a multiply and an add are fused only where `fusedMultiplyAdd` says so.
// Compile with -ffp-contract=off and --fmad=false, never with fast-math.
//
// NaN comes out where IEEE says so, but which NaN is left to the machine.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

// Always inlined on the host: a copy that the linker shares between translation
// units would be compiled for one instruction set and called from another.
#if defined(__CUDACC__)
#define SLUICE_PORTABLE __host__ __device__ inline
#else
#define SLUICE_PORTABLE __attribute__((always_inline)) inline
#endif

namespace sluice {

/// A dot product or sum of any length keeps this many partial sums. Element i
/// goes to partial sum (i / kDotRun) % kDotLanes, in increasing i; then
/// s[j] += s[j ^ d] for d = 16, 8, 4, 2, 1 and s[0] is the result.
constexpr int kDotLanes = 32;
/// Neighbouring elements that go to one partial sum: 16 bytes of bf16.
constexpr int kDotRun = 8;
/// Elements after which the partial sums begin again.
constexpr int kDotBlock = kDotLanes * kDotRun;

/// Attention walks a context in splits of this many tokens, counted from
/// position 0, whatever the context's length.
constexpr int kAttentionSplit = 256;

SLUICE_PORTABLE uint32_t bitsOfFloat(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(value);
#else
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

SLUICE_PORTABLE float floatOfBits(uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

/// a * b + c with one rounding. Without an FMA instruction the host's compiler
/// calls libm, which is exact and slow.
SLUICE_PORTABLE float fusedMultiplyAdd(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

/// e^x within 0.9 ulp; exact 0 below -104, subnormal results above that,
/// infinity above 88.73, NaN for NaN.
///
/// x = n ln 2 + r with n the nearest integer and |r| <= ln 2 / 2; e^r is a
/// polynomial of degree 6 whose coefficients were fitted for the least relative
/// error (0.05 ulp) with each rounded to binary32 in turn; 2^n is multiplied in
/// two halves, so that one rounding makes a subnormal result.
SLUICE_PORTABLE float portableExp(float x) {
  // Outside these bounds the result is 0 or infinity already. A NaN passes both
  // comparisons and stays one.
  x = x < -105.0f ? -105.0f : x;
  x = x > 89.0f ? 89.0f : x;
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
  constexpr float kShift = 12582912.0f;
  float shifted = fusedMultiplyAdd(x, 0x1.715476p+0f, kShift);
  float n = shifted - kShift;
  // ln 2 in two parts: n times the first is exact.
  float r = fusedMultiplyAdd(n, -0x1.62e4p-1f, x);
  r = fusedMultiplyAdd(n, -0x1.7f7d1cp-20f, r);
  float p = 0x1.6a4154p-10f;
  p = fusedMultiplyAdd(p, r, 0x1.1239c6p-7f);
  p = fusedMultiplyAdd(p, r, 0x1.5558bcp-5f);
  p = fusedMultiplyAdd(p, r, 0x1.555492p-3f);
  p = fusedMultiplyAdd(p, r, 0x1.fffffcp-2f);
  p = fusedMultiplyAdd(p, r, 1.0f);
  p = fusedMultiplyAdd(p, r, 1.0f);
  // Two's complement of n, halved with its sign; unsigned so that the garbage
  // of a NaN wraps.
  uint32_t integer = bitsOfFloat(shifted) - bitsOfFloat(kShift);
  uint32_t firstHalf = (integer >> 1) | (integer & 0x80000000u);
  uint32_t secondHalf = integer - firstHalf;
  return p * floatOfBits((firstHalf + 127u) << 23) *
         floatOfBits((secondHalf + 127u) << 23);
}

/// x * sigmoid(x), written as x / (1 + e^-x); NaN for minus infinity.
SLUICE_PORTABLE float portableSilu(float x) {
  return x / (1.0f + portableExp(-x));
}

} // namespace sluice
