//===- checkpoint.h - A Hugging Face checkpoint, unread ---------*- C++ -*-===//
//
// What a model directory says about itself: its configuration and where each
// tensor lies. Nothing of a weight is read. No MLIR in here.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/json.h"
#include "runtime/core/status.h"
#include "runtime/io/fingerprint.h"
#include "runtime/io/safetensors.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::frontend {

/// Where one tensor lies.
struct CheckpointTensor {
  std::string name;
  StorageType dtype = StorageType::U8;
  std::vector<int64_t> shape;
  uint32_t file = 0;   ///< Index into Checkpoint::files.
  uint64_t offset = 0; ///< From the start of that file.
  uint64_t bytes = 0;
};

/// A model directory: config.json, generation_config.json if there is one, and
/// either model.safetensors or the shards of model.safetensors.index.json.
struct Checkpoint {
  /// Refuses, by name: missing or malformed files; both model.safetensors and
  /// an index; shards outside of the directory; shards the index names that do
  /// not exist and model-*-of-*.safetensors files it does not name; tensors in
  /// two shards, in a shard but not in the index, or in the index but not in
  /// their shard.
  static Result<Checkpoint> open(const std::string &directory);

  std::string directory;                 ///< Absolute, symbolic links resolved.
  nlohmann::json config;                 ///< config.json, always an object.
  nlohmann::json generationConfig;       ///< Null when there is no such file.
  std::vector<FileIdentity> files;       ///< Sorted by path.
  std::vector<CheckpointTensor> tensors; ///< Sorted by name.
  uint64_t fingerprint = 0;              ///< sluice::fingerprint(files).

  const CheckpointTensor *find(std::string_view name) const;
};

} // namespace sluice::frontend
