//===- primitives.h - Inner loops, one set an instruction set ---*- C++ -*-===//
//
// Everything that needs a fused multiply-add or is worth vectorising, as a
// table of functions: plain C++ for any processor (fma through libm, exact and
// slow), and one table each for AVX2 and AVX-512. All give the same bits, which
// the tests check by forcing each table in turn.
//
// The vector tables rest on one observation: neighbouring partial sums of the
// written dot product take neighbouring runs of 8 elements, so lane j of a
// vector is partial sum j, and the loads have to be transposed. A row of
// activations is transposed once ("packed") and then meets many weight rows.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"

namespace sluice::cpu {

/// Floats that a packed row of `n` elements takes.
constexpr int64_t packedLength(int64_t n) { return (n + 127) / 128 * 128; }

/// Packed floats that a kernel may hold on a thread's stack: 128 KiB.
constexpr int64_t kPackedFloats = 32768;

/// Rows of activations that dotRows takes at once, so that a weight row is read
/// and transposed once for all of them.
constexpr int64_t kRowBlock = 8;

struct Primitives {
  const char *name;

  /// Widens x[n] to f32 in the table's own order, for dotRows.
  void (*pack)(const void *x, DType type, int64_t n, float *packed);

  /// out[r * outStride + o] = DOT of packed row r (at packed + r *
  /// packedLength(n), 1 <= rows <= kRowBlock) with the weight row of n elements
  /// at element o * weightStride.
  void (*dotRows)(const float *packed, int64_t rows, int64_t n,
                  const void *weights, DType type, int64_t weightStride,
                  int64_t outputs, float *out, int64_t outStride);

  /// DOT of a and b, of any length; for one use, where packing does not pay.
  float (*dot)(const void *a, DType aType, const void *b, DType bType,
               int64_t n);

  /// sums[i] = fma(factors[j], values[j * stride + i], sums[i]) for j in
  /// increasing order.
  void (*accumulate)(const float *factors, int64_t count, const void *values,
                     DType type, int64_t stride, int64_t n, float *sums);

  /// out[i] = exp(x[i] - largest); out may be x.
  void (*expBelow)(const float *x, float largest, int64_t n, float *out);

  /// out[i] = silu(gate[i]) * up[i], all of one type; out may be gate.
  void (*siluTimes)(const void *gate, const void *up, DType type, int64_t n,
                    void *out);

  /// Rotates the n pairs (low[i], high[i]) by angles given as cos and sin, all
  /// of one type but the angles; in place is allowed.
  void (*rotate)(const void *low, const void *high, DType type,
                 const float *cosine, const float *sine, int64_t n,
                 void *lowOut, void *highOut);
};

/// The best table that this processor runs, or the one that a test forced.
const Primitives &primitives();

/// The i-th table that this processor runs, best last, or null past the end.
/// The 0-th is the plain one.
const Primitives *availablePrimitives(int index);

/// For tests: what primitives() returns from now on; null for the best again.
void forcePrimitives(const Primitives *table);

/// The plain table.
extern const Primitives kPlainPrimitives;

/// The vector tables this processor runs, worst first: at most two.
int vectorPrimitives(const Primitives *tables[2]);

} // namespace sluice::cpu
