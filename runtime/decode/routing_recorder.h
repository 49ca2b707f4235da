//===- routing_recorder.h - Keeps which experts every token used -*- C++ -*-==//
//
// The trace that `--record-routing` writes: one row a token and step, in the
// order in which the steps ran. It is an input of later compiles.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/executor/executor.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// Collects the routing of steps run with `recording`. Not thread-safe.
class RoutingRecorder {
public:
  /// Takes the expert layers and top-k from the executor's plan.
  explicit RoutingRecorder(const Executor &executor);

  /// Makes room for `rows` rows more, so that record() need not allocate.
  void reserve(uint64_t rows);

  /// Appends the step that `executor` has just run; `prompts` names the prompt
  /// of each of its rows.
  void record(Executor &executor, EntryPoint entry,
              std::span<const uint32_t> prompts);

  /// Writes a safetensors file: `experts` i32 and `weights` f32, both
  /// [rows, expert layers, top_k]; `tokens`, `positions` and `sequences` (the
  /// prompt's index) i32 [rows]; `layers` i32 [expert layers], their numbers in
  /// the model. The metadata holds the fingerprint of the weights.
  Status write(const std::string &path) const;

private:
  std::vector<uint32_t> layers;
  uint32_t topK;
  uint64_t fingerprint;
  std::vector<int32_t> experts;
  std::vector<float> weights;
  std::vector<int32_t> tokens, positions, sequences;
};

} // namespace sluice
