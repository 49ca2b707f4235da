//===- kernel.h - What every kernel is and is given -------------*- C++ -*-===//
//
// A kernel is a function of raw pointers, sizes and a row count. It owns
// nothing, allocates nothing and keeps nothing between calls. The plan names it
// by `Kernel` and `Arithmetic`; `signatures.h` says what its operands are; the
// registries of cpu/ and cuda/ find the function.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/// Element types of buffers. The order is that of plan.fbs.
enum class DType : uint8_t { BF16, F16, F32, I32 };

constexpr size_t byteSize(DType type) {
  return type == DType::BF16 || type == DType::F16 ? 2 : 4;
}
const char *name(DType type);

/// Design section 7. Portable kernels follow one written summation order and
/// give the same bits on every backend; tensor kernels use the matrix units and
/// agree within a stated error. A backend without matrix units runs the
/// portable kernel for both.
enum class Arithmetic : uint8_t { Portable, Tensor };
const char *name(Arithmetic arithmetic);

/// Every kernel, by the mnemonic that also names its files in cpu/ and cuda/.
/// The order is that of plan.fbs: append only.
enum class Kernel : uint16_t {
  Embed,
  Linear,
  RmsNorm,
  Add,
  AddRmsNorm,
  Rope,
  KvWrite,
  QkNormRopeWrite,
  Attention,
  Softmax,
  TopK,
  Route,
  Swiglu,
  ExpertDemand,
  ExpertGateUp,
  ExpertDown,
  ExpertCombine,
  SelectRows,
  ExpertScatter,
  LinearGroup,
  AddNormRoute,
};
inline constexpr int kKernelCount = static_cast<int>(Kernel::AddNormRoute) + 1;

/// A launch as it is bound at load time: everything but the number of rows.
/// Operands, dims and scalars stand in the order of the kernel's signature.
struct KernelArgs {
  static constexpr int kMaxOperands = 14;
  static constexpr int kMaxDims = 12;
  static constexpr int kMaxScalars = 2;

  void *data[kMaxOperands] = {}; ///< Null where an optional operand is absent.
  DType dtype[kMaxOperands] = {};
  int64_t dim[kMaxDims] = {};
  float scalar[kMaxScalars] = {};
  /// The most rows the launch's entry point may have. What a kernel chooses by
  /// size (a tile, a library's algorithm) it chooses by this and never by the
  /// rows of one call, so that a row's bits do not depend on its neighbours.
  int64_t maxRows = 0;
};

} // namespace sluice
