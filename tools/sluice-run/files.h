//===- files.h - What goes between files and sluice-run ---------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/decode/generate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tools {

using TokenLists = std::vector<std::vector<int32_t>>;

/// Reads --prompt-ids: a JSON array of token ids, or an array of such arrays.
Result<TokenLists> readPromptIds(const std::string &path);

/// Writes --ids-out: a JSON array of arrays.
Status writeIds(const std::string &path, const TokenLists &outputs);

/// Keeps logits until they are written with --logits-out.
class LogitsFile {
public:
  LogitsFile(size_t prompts, size_t vocab) : rows(prompts), vocab(vocab) {}

  /// f32 [vocab] at the prompt's last position.
  void addPrompt(uint32_t prompt, std::span<const float> logits);
  /// f32 [vocab] of one of its decode steps.
  void addStep(uint32_t prompt, std::span<const float> logits);
  /// logits.{i} f32 [vocab] and, where steps were added, steps.{i}
  /// f32 [steps, vocab].
  Status write(const std::string &path) const;

private:
  struct Row {
    std::vector<float> prompt, steps;
  };
  std::vector<Row> rows;
  size_t vocab;
};

/// Where the experts' weights were when tokens needed them.
struct ExpertCounters {
  /// Found on the device. Where experts move: experts that a layer of a step
  /// wanted, however many rows wanted them; else routed (token, expert) pairs.
  uint64_t hits = 0;
  uint64_t misses = 0;     ///< Those that were not: brought, or run on the CPU.
  uint64_t bytesMoved = 0; ///< To the device, asked for or ahead.
  uint64_t bytesWasted = 0; ///< Of these, ahead and never used.
  /// See runtime/executor/bubbles.h; only a traced run knows.
  std::optional<double> bubbleShare;
};

/// What a run was beside its figures.
struct RunFacts {
  std::string backend;
  std::string routing; ///< As --routing has it; "model" without.
  double loadMs = 0;
  double predictedStepMs = 0; ///< Of comparablePrediction; 0: none.
};

/// Writes --metrics: one JSON object. A figure that this run cannot know is
/// null: bubbles need a trace, acceptance a draft.
Status writeMetrics(const std::string &path, const GenerateMetrics &metrics,
                    const ExpertCounters &experts, const RunFacts &facts);

} // namespace sluice::tools
