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
#include <memory>
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

/// Who computes the experts that are not in a slot when a layer needs them.
enum class ExpertMode : uint8_t {
  Auto,  ///< The planner's choice among the others.
  Fetch, ///< The GPU, after the bus has brought them.
  Host,  ///< The CPU, where they lie.
  Split  ///< Both at once.
};

/// As --experts says it.
const char *name(ExpertMode mode);

enum class ScheduleKind : uint8_t {
  Planned,
  /// The baseline: whole layers move, once a batch, nothing overlaps and
  /// nothing stays.
  Serial
};

/// What the planner decides when not all experts fit the GPU; the passes do
/// what it says.
struct ExpertDecisions {
  /// Fetch, Host or Split.
  ExpertMode mode = ExpertMode::Fetch;
  /// Share of the missed bytes that the CPU computes, 0 to 1; Host: 1.
  double hostShare = 0;
  /// Most experts to move ahead of a layer; 0: no prefetch.
  int64_t prefetchLimit = 0;
  /// Bytes of arrived experts that one launch waits for, at least one expert.
  int64_t waveBytes = int64_t{32} << 20;
  /// What a miss of an expert on the disk costs over one in host memory, at
  /// least 1.
  double diskCost = 1;
  /// Index into plan::kPolicyNames.
  std::string policy = "next_use";
  /// Of each layer with experts, in their order, how often a step is expected
  /// to miss each expert; empty where nobody knows, or needs to.
  std::vector<std::vector<float>> missed;
  /// Milliseconds of one decode step of all batches; 0: not predicted.
  double predictedStepMs = 0;
};

/// What recorded routing says of one layer's experts.
struct LayerRouting {
  int64_t layer = 0;
  /// Expected uses a token, one an expert.
  std::vector<float> popularity;
  /// Experts of this layer that follow expert i of the previous sparse layer,
  /// likeliest first: [experts of the previous layer * successorCount], or
  /// empty.
  std::vector<uint16_t> successors;
  int64_t successorCount = 0;
};
using RoutingStatistics = std::vector<LayerRouting>;

struct CompileOptions {
  static constexpr int64_t kPageTokens = 16;
  static constexpr int64_t kDefaultMaxSeq = 4096;
  static constexpr int64_t kDefaultPrefillRows = 512;
  static constexpr int64_t kMaxBatch = 4096;
  /// Dense layers of plans that are wider than this use the matrix units.
  static constexpr int64_t kPortableRows = 8;

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
  ExpertMode experts = ExpertMode::Auto;
  ScheduleKind schedule = ScheduleKind::Planned;
  /// Of the --routing file; none: every expert is as likely as another.
  std::shared_ptr<const RoutingStatistics> routing;
  std::string hardwareFile; ///< --hardware; empty: the built-in profile.
  std::string routingFile;  ///< --routing; empty: none.
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
