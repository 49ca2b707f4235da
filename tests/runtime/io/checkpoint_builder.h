//===- checkpoint_builder.h - Small checkpoints without bytes ---*- C++ -*-===//
#pragma once

#include "runtime/core/json.h"
#include "runtime/io/safetensors.h"
#include "tests/runtime/io/temporary_directory.h"

#include <map>
#include <string>
#include <vector>

namespace sluice::testing {

/// A Qwen3-MoE checkpoint as data: tests change what they want to break and
/// write it. Files hold right headers and a hole for the data.
struct CheckpointBuilder {
  struct Tensor {
    std::string dtype;
    std::vector<int64_t> shape;
    std::string shard = "model.safetensors";
  };

  /// A valid model with every size different: hidden 40, 2 layers of which
  /// the second is sparse, 4 heads of 8 over 2, 3 experts of width 17, top 2,
  /// dense width 24, vocabulary 101.
  CheckpointBuilder();

  nlohmann::json config;
  nlohmann::json generation; ///< Null: no file.
  std::map<std::string, Tensor> tensors;

  /// Adds the tensors that `config` asks for (after changes to it).
  void describeTensors(bool fused = false);
  /// Spreads the tensors over `count` shards named as transformers does.
  void shard(int count);
  /// The index of the present shards.
  nlohmann::json index() const;
  /// Writes config, generation config, weight files and, when sharded, the
  /// index.
  void write(const TemporaryDirectory &folder) const;
};

} // namespace sluice::testing
