//===- cases.h - Random launches of every kernel -----------------*- C++
//-*-===//
//
// For a kernel and a seed: shapes, element types, scalars, rows and the
// contents of every operand. The same cases drive the CPU kernels, the CUDA
// kernels, the scalar model of the written order and the double-precision
// reference, so that all of them can be compared with each other.
//
// What a kernel must not read holds NaN (or an id far out of range): cells of a
// KV cache that no row's context reaches, expert slots that no token uses, the
// bytes around each buffer and the buffers it is to write.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/signatures.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

struct CaseOptions {
  /// 0: between 1 and 40, by the seed.
  int64_t rows = 0;
  /// Only bf16 weights and activations, and sizes that are multiples of 8: what
  /// the tensor class takes. f32 operands of the signature stay f32.
  bool tensor = false;
  /// Dims that are not left to chance, by name; those that depend on each other
  /// must all be given.
  std::vector<std::pair<std::string_view, int64_t>> dims = {};
};

/// One launch, before it runs. Immutable once made; copy into Operands to run.
struct Case {
  Kernel kernel = Kernel::Embed;
  uint64_t seed = 0;
  int64_t rows = 0;
  /// dtype, dim, scalar and maxRows are filled in; the data pointers are null.
  KernelArgs args;
  /// What each operand holds before the launch, in the signature's order; empty
  /// where an optional operand is absent. Operands that are only written hold
  /// poison.
  std::vector<std::vector<std::byte>> image;
  /// expert_gate_up, expert_down: the ids [rows, top_k] behind `offsets` and
  /// `order`.
  std::vector<int32_t> ids;

  const Signature &signature() const { return *findSignature(kernel); }
  /// Kernel, seed, rows, dims and types: for failure messages.
  std::string describe() const;
};

Case makeCase(Kernel kernel, uint64_t seed, const CaseOptions &options = {});

/// The case of row `row` alone: every operand that has a row dim is cut down to
/// that row; page tables, caches and weights stay. For every kernel whose rows
/// are independent, that is, all but expert_demand.
Case rowCase(const Case &all, int64_t row);

/// The order and offsets that expert_demand makes of `ids` [rows, top_k].
void sortByExpert(std::span<const int32_t> ids, int64_t experts,
                  std::vector<int32_t> &offsets, std::vector<int32_t> &order);

/// Host memory for one run of a case: each operand 256-byte aligned between two
/// guards.
class Operands {
public:
  static constexpr size_t kGuard = 256;
  explicit Operands(const Case &source);

  KernelArgs args; ///< The case's, with pointers into this object.

  std::span<std::byte> bytes(int operand);
  std::span<const std::byte> bytes(int operand) const;
  template <typename T> std::span<const T> as(int operand) const {
    std::span<const std::byte> raw = bytes(operand);
    return {reinterpret_cast<const T *>(raw.data()), raw.size() / sizeof(T)};
  }
  /// Element `index` as f32, whatever the floating type.
  float value(int operand, int64_t index) const;
  void setValue(int operand, int64_t index, float value);
  void setInt(int operand, int64_t index, int32_t value);
  int64_t elements(int operand) const;

  /// Empty when all guards and all operands that are only read are as they
  /// were; else what changed.
  std::string damage(const Case &source) const;

private:
  struct Free {
    void operator()(std::byte *p) const;
  };
  std::vector<std::unique_ptr<std::byte[], Free>> blocks;
  std::vector<size_t> sizes;
};

/// How many random cases a test draws: `usual`, or the environment's
/// SLUICE_CASES where that is less. Sanitizers make each case slow.
int caseCount(int usual);

/// Fills memory with the poison that guards and unwritten outputs hold: NaN in
/// every floating type, far out of range as an integer.
void poison(std::span<std::byte> bytes);

/// Whether the contents of an operand after the launch are specified: written,
/// present and not scratch.
bool isResult(const Case &source, int operand);

/// Empty when all results of `actual` have the bits of `expected`; else the
/// first difference, in words. `expected` may have been computed from another
/// case of the same shape.
std::string compareBits(const Case &source, const Operands &expected,
                        const Operands &actual);

/// Sum of squared differences over the sum of squares of `expected`, for one
/// operand; 0 for equal zeros.
double nmse(const Operands &expected, const Operands &actual, int operand);

} // namespace sluice::test
