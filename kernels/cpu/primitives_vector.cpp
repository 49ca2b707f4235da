//===- primitives_vector.cpp - Inner loops for AVX2 and AVX-512 -----------===//
//
// Highway includes this file once for each instruction set, each time in a
// namespace and with target options of its own. Only vectors with a true fused
// multiply-add may be here: Highway's MulAdd rounds twice on older processors,
// which get the plain table.
//
// A group is what one vector of N lanes takes of a row: N runs of 8 elements.
// Lane l of the transposed vector t holds element t of run (l % 4) * N / 4 + l
// / 4 of the group: 128-bit blocks are transposed on their own, and the tree at
// the end undoes the permutation.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/primitives.h"

#include "kernels/convert.h"

// Without a fused multiply-add, or (AVX3_DL) with nothing more that is of use.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/primitives_vector.cpp"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

HWY_BEFORE_NAMESPACE();
namespace sluice::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#include "kernels/cpu/elementwise-inl.h"

using F = hn::ScalableTag<float>;
using U = hn::RebindToUnsigned<F>;
using U64 = hn::Repartition<uint64_t, F>;
using VF = hn::Vec<F>;
using VU = hn::Vec<U>;

constexpr int kN = HWY_MAX_BYTES / 4; // lanes
constexpr int kGroup = kN * kDotRun;  // elements of a group
constexpr int kSums = kDotLanes / kN; // vectors of partial sums

/// The f32 values of f16 bits in the low halves of 32-bit lanes, as toFloat.
HWY_INLINE VF halfToFloat(VU bits) {
  const F f;
  const U u;
  VU magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(u, 0x7fff)));
  VF value = hn::Mul(hn::BitCast(f, magnitude), hn::Set(f, 0x1p112f));
  VU exponent = hn::And(bits, hn::Set(u, 0x7c00));
  VU infinite = hn::VecFromMask(u, hn::Eq(exponent, hn::Set(u, 0x7c00)));
  VU sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(u, 0x8000)));
  VU extra = hn::Or(sign, hn::And(infinite, hn::Set(u, 0x7f800000)));
  return hn::BitCast(f, hn::Or(hn::BitCast(u, value), extra));
}

/// Transposes the four-by-four 32-bit elements of each 128-bit block.
HWY_INLINE void transposeBlocks(VU (&v)[4]) {
  const U u;
  const U64 u64;
  auto low0 = hn::BitCast(u64, hn::InterleaveLower(u, v[0], v[1]));
  auto low1 = hn::BitCast(u64, hn::InterleaveLower(u, v[2], v[3]));
  auto high0 = hn::BitCast(u64, hn::InterleaveUpper(u, v[0], v[1]));
  auto high1 = hn::BitCast(u64, hn::InterleaveUpper(u, v[2], v[3]));
  v[0] = hn::BitCast(u, hn::InterleaveLower(u64, low0, low1));
  v[1] = hn::BitCast(u, hn::InterleaveUpper(u64, low0, low1));
  v[2] = hn::BitCast(u, hn::InterleaveLower(u64, high0, high1));
  v[3] = hn::BitCast(u, hn::InterleaveUpper(u64, high0, high1));
}

/// Four vectors of pairs of 16-bit elements; a run is one 128-bit block.
HWY_INLINE void loadPairs(const uint16_t *p, VU (&v)[4]) {
  const U u;
  for (int m = 0; m < 4; ++m)
    v[m] = hn::LoadU(u, reinterpret_cast<const uint32_t *>(p) + m * kN);
  transposeBlocks(v);
}

/// Loads a whole group, transposed.
HWY_INLINE void loadGroup(const Bf16 *p, VF (&out)[kDotRun]) {
  const F f;
  const U u;
  VU v[4];
  loadPairs(&p->bits, v);
  for (int t = 0; t < 4; ++t) {
    out[2 * t] = hn::BitCast(f, hn::ShiftLeft<16>(v[t]));
    out[2 * t + 1] = hn::BitCast(f, hn::And(v[t], hn::Set(u, 0xffff0000u)));
  }
}

HWY_INLINE void loadGroup(const Half *p, VF (&out)[kDotRun]) {
  VU v[4];
  loadPairs(&p->bits, v);
  for (int t = 0; t < 4; ++t) {
    out[2 * t] = halfToFloat(v[t]);
    out[2 * t + 1] = halfToFloat(hn::ShiftRight<16>(v[t]));
  }
}

HWY_INLINE void loadGroup(const float *p, VF (&out)[kDotRun]) {
  const F f;
  const U u;
  // A run is two blocks: gather the blocks of the first halves, then of the
  // second, each as the transposition wants them.
  for (int half = 0; half < 2; ++half) {
    VU v[4];
    for (int m = 0; m < 4; ++m) {
      const float *runs = p + m * (kN / 4) * kDotRun + half * 4;
#if HWY_TARGET == HWY_AVX2
      const hn::Half<F> block;
      v[m] = hn::BitCast(u, hn::Combine(f, hn::LoadU(block, runs + kDotRun),
                                        hn::LoadU(block, runs)));
#else
      const hn::Half<F> two;
      const hn::Half<hn::Half<F>> block;
      auto low = hn::Combine(two, hn::LoadU(block, runs + kDotRun),
                             hn::LoadU(block, runs));
      auto high = hn::Combine(two, hn::LoadU(block, runs + 3 * kDotRun),
                              hn::LoadU(block, runs + 2 * kDotRun));
      v[m] = hn::BitCast(u, hn::Combine(f, high, low));
#endif
    }
    transposeBlocks(v);
    for (int t = 0; t < 4; ++t)
      out[half * 4 + t] = hn::BitCast(f, v[t]);
  }
}

/// The tree: sums[g] lane l is partial sum g * kN + (l % 4) * kN / 4 + l / 4.
/// Adding is commutative, so both partners of a pair get the same sum.
HWY_INLINE float reduce(VF (&sums)[kSums]) {
#if HWY_TARGET == HWY_AVX2
  VF v = hn::Add(hn::Add(sums[0], sums[2]), hn::Add(sums[1], sums[3]));
  v = hn::Add(v, hn::Shuffle1032(v));        // distance 4
  v = hn::Add(v, hn::Shuffle2301(v));        // 2
  v = hn::Add(v, hn::SwapAdjacentBlocks(v)); // 1
#else
  const F f;
  VF v = hn::Add(sums[0], sums[1]);
  v = hn::Add(v, hn::Shuffle1032(v));                              // distance 8
  v = hn::Add(v, hn::Shuffle2301(v));                              // 4
  v = hn::Add(v, hn::SwapAdjacentBlocks(hn::ReverseBlocks(f, v))); // 2
  v = hn::Add(v, hn::SwapAdjacentBlocks(v));                       // 1
#endif
  return hn::GetLane(v);
}

/// Copies the `left` < kGroup last elements of a row and pads them with
/// `padding`.
template <typename T>
HWY_INLINE void copyTail(const T *p, int64_t left, T padding,
                         T (&tail)[kGroup]) {
  for (int64_t i = 0; i < kGroup; ++i)
    tail[i] = padding;
  for (int64_t i = 0; i < left; ++i)
    tail[i] = p[i];
}

/// Padding of one side of a product with +0 and of the other with -0 makes
/// products of -0, and adding -0 changes no sum, not even one of -0.
template <typename T> HWY_INLINE T zero() { return T{}; }
template <typename T> HWY_INLINE T minusZero() { return fromFloat<T>(-0.0f); }

template <typename T> void packOf(const T *x, int64_t n, float *packed) {
  const F f;
  VF v[kDotRun];
  int64_t i = 0;
  for (; i + kGroup <= n; i += kGroup) {
    loadGroup(x + i, v);
    for (int t = 0; t < kDotRun; ++t)
      hn::StoreU(v[t], f, packed + i + t * kN);
  }
  if (i == n)
    return;
  T tail[kGroup];
  copyTail(x + i, n - i, minusZero<T>(), tail);
  loadGroup(tail, v);
  for (int t = 0; t < kDotRun; ++t)
    hn::StoreU(v[t], f, packed + i + t * kN);
}

#include "kernels/cpu/dot_rows-inl.h"

template <typename A, typename B>
float dotOf(const A *a, const B *b, int64_t n) {
  const F f;
  VF sums[kSums];
  for (int g = 0; g < kSums; ++g)
    sums[g] = hn::Zero(f);
  VF left[kDotRun], right[kDotRun];
  int64_t i = 0;
  for (int g = 0; i < n; g = (g + 1) % kSums, i += kGroup) {
    if (i + kGroup <= n) {
      loadGroup(a + i, left);
      loadGroup(b + i, right);
    } else {
      A aTail[kGroup];
      B bTail[kGroup];
      copyTail(a + i, n - i, minusZero<A>(), aTail);
      copyTail(b + i, n - i, zero<B>(), bTail);
      loadGroup(aTail, left);
      loadGroup(bTail, right);
    }
    for (int t = 0; t < kDotRun; ++t)
      sums[g] = hn::MulAdd(left[t], right[t], sums[g]);
  }
  return reduce(sums);
}

HWY_INLINE VF widen(const float *p) { return hn::LoadU(F(), p); }
HWY_INLINE VU widenBits(const uint16_t *p) {
  return hn::PromoteTo(U(), hn::LoadU(hn::Rebind<uint16_t, F>(), p));
}
HWY_INLINE VF widen(const Bf16 *p) {
  return hn::BitCast(F(), hn::ShiftLeft<16>(widenBits(&p->bits)));
}
HWY_INLINE VF widen(const Half *p) { return halfToFloat(widenBits(&p->bits)); }

template <typename T>
void accumulateOf(const float *factors, int64_t count, const T *values,
                  int64_t stride, int64_t n, float *sums) {
  const F f;
  constexpr int kWide = 4; // vectors of sums held in registers at once
  int64_t i = 0;
  for (; i + kWide * kN <= n; i += kWide * kN) {
    VF v[kWide];
    for (int k = 0; k < kWide; ++k)
      v[k] = hn::LoadU(f, sums + i + k * kN);
    for (int64_t j = 0; j < count; ++j) {
      VF factor = hn::Set(f, factors[j]);
      for (int k = 0; k < kWide; ++k)
        v[k] =
            hn::MulAdd(factor, widen(values + j * stride + i + k * kN), v[k]);
    }
    for (int k = 0; k < kWide; ++k)
      hn::StoreU(v[k], f, sums + i + k * kN);
  }
  for (; i + kN <= n; i += kN) {
    VF v = hn::LoadU(f, sums + i);
    for (int64_t j = 0; j < count; ++j)
      v = hn::MulAdd(hn::Set(f, factors[j]), widen(values + j * stride + i), v);
    hn::StoreU(v, f, sums + i);
  }
  for (; i < n; ++i)
    for (int64_t j = 0; j < count; ++j)
      sums[i] = fusedMultiplyAdd(factors[j], toFloat(values[j * stride + i]),
                                 sums[i]);
}

// From here on: the element types of the table's untyped pointers.

void pack(const void *x, DType type, int64_t n, float *packed) {
  if (type == DType::BF16)
    packOf(static_cast<const Bf16 *>(x), n, packed);
  else if (type == DType::F16)
    packOf(static_cast<const Half *>(x), n, packed);
  else
    packOf(static_cast<const float *>(x), n, packed);
}

void dotRows(const float *packed, int64_t rows, int64_t n, const void *weights,
             DType type, int64_t weightStride, int64_t outputs, float *out,
             int64_t outStride) {
  if (type == DType::BF16)
    dotRowsOfType(packed, rows, n, static_cast<const Bf16 *>(weights),
                  weightStride, outputs, out, outStride);
  else if (type == DType::F16)
    dotRowsOfType(packed, rows, n, static_cast<const Half *>(weights),
                  weightStride, outputs, out, outStride);
  else
    dotRowsOfType(packed, rows, n, static_cast<const float *>(weights),
                  weightStride, outputs, out, outStride);
}

template <typename A>
float dotWith(const A *a, const void *b, DType bType, int64_t n) {
  if (bType == DType::BF16)
    return dotOf(a, static_cast<const Bf16 *>(b), n);
  if (bType == DType::F16)
    return dotOf(a, static_cast<const Half *>(b), n);
  return dotOf(a, static_cast<const float *>(b), n);
}

float dot(const void *a, DType aType, const void *b, DType bType, int64_t n) {
  if (aType == DType::BF16)
    return dotWith(static_cast<const Bf16 *>(a), b, bType, n);
  if (aType == DType::F16)
    return dotWith(static_cast<const Half *>(a), b, bType, n);
  return dotWith(static_cast<const float *>(a), b, bType, n);
}

void accumulate(const float *factors, int64_t count, const void *values,
                DType type, int64_t stride, int64_t n, float *sums) {
  if (type == DType::BF16)
    accumulateOf(factors, count, static_cast<const Bf16 *>(values), stride, n,
                 sums);
  else if (type == DType::F16)
    accumulateOf(factors, count, static_cast<const Half *>(values), stride, n,
                 sums);
  else
    accumulateOf(factors, count, static_cast<const float *>(values), stride, n,
                 sums);
}

constexpr Primitives kTable = {HWY_TARGET == HWY_AVX2 ? "avx2" : "avx512",
                               pack,
                               dotRows,
                               dot,
                               accumulate,
                               expBelow,
                               siluTimes,
                               rotate};

} // namespace HWY_NAMESPACE
} // namespace sluice::cpu
HWY_AFTER_NAMESPACE();

#endif // a target with a fused multiply-add

#if HWY_ONCE
namespace sluice::cpu {

// The compiler's own test of the processor, of all that Highway compiles for,
// so that only Highway's headers are needed and no library of its.
int vectorPrimitives(const Primitives *tables[2]) {
  int count = 0;
#if HWY_TARGETS & HWY_AVX2
  bool hasAvx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi") &&
      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("aes") &&
      __builtin_cpu_supports("pclmul");
  if (hasAvx2)
    tables[count++] = &N_AVX2::kTable;
#if HWY_TARGETS & HWY_AVX3
  if (hasAvx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    tables[count++] = &N_AVX3::kTable;
#endif
#endif
  (void)tables;
  return count;
}

} // namespace sluice::cpu
#endif // HWY_ONCE
