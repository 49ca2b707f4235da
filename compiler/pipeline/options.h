//===- options.h - What a compile is asked for ------------------*- C++ -*-===//
//
// Plain values, without MLIR: the model builders and the pipeline read them,
// sluice-compile fills them from its flags.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/core/status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Where a compile stops.
enum class Stage : uint8_t { Llm, Expert, Plan, Flatbuffer };

/// Which arithmetic classes dense layers get (design section 7).
enum class ArithmeticChoice : uint8_t {
  Auto,    ///< Tensor for prefill and for plans of more than 8 rows.
  Portable ///< Portable everywhere: the same bits on every backend.
};

struct CompileOptions {
  static constexpr int64_t kPageTokens = 16;
  static constexpr int64_t kDefaultMaxSeq = 4096;
  static constexpr int64_t kDefaultPrefillRows = 512;
  static constexpr int64_t kMaxBatch = 4096;

  /// Tokens of one sequence, prompt and answer together; by default the least
  /// of 4096 and what the model was trained for.
  std::optional<int64_t> maxSeq;
  int64_t batch = 1; ///< Sequences that run at once.
  /// Most rows of a prefill step; by default 512, at most maxSeq * batch.
  std::optional<int64_t> prefillRows;
  DType activations = DType::BF16; ///< BF16 or F32; also of the KV cache.
  ArithmeticChoice arithmetic = ArithmeticChoice::Auto;
  std::optional<uint64_t> gpuMemory;  ///< Bytes; none: no limit.
  std::optional<uint64_t> hostMemory; ///< Bytes; none: no limit.
  std::vector<std::string> disabledPasses;
};

/// The limits of a compile for one model: no option left open.
struct Limits {
  int64_t maxSeq = 0;
  int64_t batch = 0;
  int64_t prefillRows = 0;
  int64_t pagesPerSequence = 0;
  int64_t pages = 0;
};

/// Fills in defaults for a model of `maxPositions` positions. Refuses limits
/// that are not positive, a maxSeq the model was not made for, and more pages
/// than a kernel's dims can say.
Result<Limits> resolveLimits(const CompileOptions &options,
                             int64_t maxPositions);

/// The effective options as flags of sluice-compile, for the plan.
std::string describe(const CompileOptions &options, const Limits &limits);

/// A byte count with an optional unit: "12GiB", "512 MiB", "1.5GB", "4096".
/// Refuses other units, negative numbers and more than 2^63 bytes.
Result<uint64_t> parseBytes(std::string_view text);

} // namespace sluice
