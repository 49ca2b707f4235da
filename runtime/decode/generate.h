//===- generate.h - Prompts in, tokens out ----------------------*- C++ -*-===//
//
// The decode loop: prompts wait for a free sequence, are prefilled in steps of
// at most the plan's prefill rows (several prompts share a step), and then give
// one token a decode step until they stop. A sequence that ends frees its place
// for the next prompt. What a prompt yields does not depend on the others.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/decode/kv_pages.h"
#include "runtime/decode/sampler.h"
#include "runtime/executor/executor.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace sluice {

class RoutingRecorder;

struct GenerateOptions {
  uint32_t maxTokens = 128; ///< New tokens a prompt.
  bool ignoreStop = false;  ///< Go on past the model's stop tokens.
  SamplingParams sampling;
};

/// What happens as tokens are made; called on the caller's thread, in order.
/// None of them is needed.
struct GenerateObserver {
  /// A new token of prompt `prompt`. A stop token that ends a prompt is not
  /// reported.
  std::function<void(uint32_t prompt, int32_t token)> token;
  /// Prompt `prompt` has ended.
  std::function<void(uint32_t prompt)> finished;
  /// f32 [vocab] of the prompt's last position; valid during the call.
  std::function<void(uint32_t prompt, std::span<const float>)> promptLogits;
  /// f32 [vocab] of every decode step; valid during the call.
  std::function<void(uint32_t prompt, std::span<const float>)> stepLogits;
  /// Keeps the routing of every step. Not owned.
  RoutingRecorder *recorder = nullptr;
};

/// Times are of the backend's clock (Backend::clockUs).
struct GenerateMetrics {
  uint64_t promptTokens = 0;
  uint64_t tokens = 0;       ///< New tokens of all prompts.
  uint64_t decodeSteps = 0;  ///< Steps of the decode entry.
  uint64_t decodeTokens = 0; ///< Tokens those steps made.
  uint64_t routedRows = 0;   ///< Rows of all steps: each routes in each layer.
  double ttftMs = 0;         ///< Start of generate() to the first token.
  double prefillMs = 0;
  double decodeMs = 0;
};

/// Runs prompts on one executor. Not thread-safe; keeps no state between calls
/// of generate() but the KV pages, which are all free again after it.
class Generator {
public:
  /// `executor` must outlive the generator.
  explicit Generator(Executor &executor);

  /// Appends each prompt's new tokens to `outputs` (resized to the prompts;
  /// reserved before the first step, after which the loop itself allocates
  /// nothing). Errors name the prompt: empty, too long for the plan, a token id
  /// outside the vocabulary.
  Status generate(std::span<const std::vector<int32_t>> prompts,
                  const GenerateOptions &options,
                  const GenerateObserver &observer,
                  std::vector<std::vector<int32_t>> &outputs,
                  GenerateMetrics &metrics);

private:
  /// A prompt that holds one of the plan's sequence slots.
  struct Running {
    std::optional<uint32_t> prompt;
    uint32_t prefilled = 0; ///< Prompt tokens whose KV is in the cache.
    int32_t next = 0;       ///< The token the next decode step reads.
    uint32_t position = 0;  ///< The position of `next`.
  };
  struct Run; ///< What generate() hands down to its parts.

  Status checkPrompts(std::span<const std::vector<int32_t>> prompts) const;
  void admit(Run &run);
  Status prefillStep(Run &run, bool &ran);
  Status decodeStep(Run &run, bool &ran);
  Status execute(Run &run, EntryPoint entry, uint32_t rows, uint32_t logitRows);
  void accept(Run &run, uint32_t sequence, std::span<const float> logits);
  void finish(Run &run, uint32_t sequence);
  bool isStop(int32_t token) const;
  double millisecondsSince(double startUs) const;

  Executor &executor;
  const plan::fb::Model &model;
  uint32_t prefillRows; ///< The most rows of a prefill step.
  KvPages pages;
  std::vector<Running> running;
  std::vector<uint32_t> logitSequences; ///< Sequence of each logit row.
  std::vector<uint32_t> rowPrompts;     ///< Prompt of each row, to record.
};

} // namespace sluice
