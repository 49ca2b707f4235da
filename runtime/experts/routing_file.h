//===- routing_file.h - routing.safetensors, out and in ---------*- C++ -*-===//
//
// What `sluice-run --record-routing` writes and later compiles, benchmarks and
// the predictor read:
//
//   experts     i32 [rows, layers, top_k]  ids, in the order the steps ran
//   weights     f32 [rows, layers, top_k]  router weights
//   tokens, positions, sequences  i32 [rows]
//   layers      i32 [layers]               the layers' numbers in the model
//   popularity  f32 [layers, experts]      uses a token
//   transitions i32 [layers, experts, experts]  [l][i][j]: tokens that used i
//                                          at the MoE layer before l and j at l
//
// Metadata: format "sluice-routing-2", fingerprint (of the weights, 16 hex
// digits) and model (its name).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/routing_trace.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::experts {

/// Everything of one recording, for the writer. Refers to the caller's arrays,
/// shaped as the file's tensors.
struct RoutingRecording {
  std::string model;
  uint64_t fingerprint = 0;
  uint32_t experts = 0; ///< Of each layer.
  uint32_t topK = 0;
  std::span<const uint32_t> layers;
  std::span<const int32_t> ids;
  std::span<const float> weights;
  std::span<const int32_t> tokens, positions, sequences;
  std::span<const float> popularity;
  std::span<const int32_t> transitions;
};
/// Writes the file; it appears whole or not at all.
Status writeRoutingFile(const std::string &path,
                        const RoutingRecording &recording);

/// The model that a file must fit. A zero or an empty list is not compared.
struct RoutingExpectation {
  std::string model; ///< For messages.
  uint64_t fingerprint = 0;
  std::vector<uint32_t> layers;
  uint32_t experts = 0;
  uint32_t topK = 0;
};

/// A file's statistics, checked: finite, nothing negative, popularity <= 1.
struct RoutingStatistics {
  std::string model;
  uint64_t fingerprint = 0;
  std::vector<uint32_t> layers;
  uint32_t experts = 0;
  uint32_t topK = 0;
  uint64_t rows = 0;
  std::vector<float> popularity;    ///< [layers, experts], uses a token.
  std::vector<int32_t> transitions; ///< [layers, experts, experts], counts.

  /// The `count` likeliest experts of layer index `layer` for each expert of
  /// the MoE layer before: [experts, count], likeliest first; ties and what was
  /// never seen go by popularity, then by number. `layer` >= 1, `count` <=
  /// experts.
  std::vector<uint16_t> successors(uint32_t layer, uint32_t count) const;
};

/// Reads `path` without its trace. Refuses another model by name (Unsupported),
/// and wrong shapes, types and values (Corrupt), each with the tensor.
Result<RoutingStatistics>
readRoutingStatistics(const std::string &path,
                      const RoutingExpectation &expectation);

/// Reads the trace of `path`: its tokens sorted by sequence, then by position.
/// The same refusals; also ids outside 0..experts-1 and an expert that a token
/// uses twice in one layer. A file without tokens is Corrupt.
Result<RoutingTrace> readRoutingTrace(const std::string &path,
                                      const RoutingExpectation &expectation);

} // namespace sluice::experts
