//===- routing_recorder.h - Keeps which experts every token used -*- C++ -*-==//
//
// What `--record-routing` writes: one row a token and step, in the order in
// which the steps ran, and what the rows add up to. It is an input of later
// compiles; runtime/experts/routing_file.h describes the file.
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

/// Collects the routing of steps run with `recording`. Not thread-safe. The
/// sums take 4 bytes for each pair of experts of a layer.
class RoutingRecorder {
public:
  /// Takes the expert layers and top-k from the executor's plan.
  explicit RoutingRecorder(const Executor &executor);

  /// Makes room for `rows` rows more, so that record() need not allocate.
  void reserve(uint64_t rows);

  /// Appends the step that `executor` has just run; `prompts` names the prompt
  /// of each of its rows. Ids that are no expert's are kept and not added up.
  void record(Executor &executor, EntryPoint entry,
              std::span<const uint32_t> prompts);

  /// Writes the file.
  Status write(const std::string &path) const;

private:
  void addUp(size_t row);

  std::vector<uint32_t> layers;
  uint32_t topK, expertCount;
  uint64_t fingerprint;
  std::string model;
  std::vector<int32_t> experts;                      ///< [rows, layers, topK]
  std::vector<float> weights;                        ///< [rows, layers, topK]
  std::vector<int32_t> tokens, positions, sequences; ///< [rows]
  std::vector<uint64_t> uses;       ///< [layers, experts], tokens that used it.
  std::vector<int32_t> transitions; ///< [layers, experts, experts]
};

} // namespace sluice
