//===- fingerprint.h - Which weights a plan was made for --------*- C++ -*-===//
//
// A plan names files, offsets and bytes. It must not be run with other weights:
// the fingerprint of the files ties the two together, and is computed the same
// way by the compiler and by the runtime.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::plan {

/// What the fingerprint covers of one file. `path` is relative to the model's
/// folder, `headerHash` the XXH3-64 of the safetensors header (the 8 bytes of
/// its length, then the JSON).
struct FileFacts {
  std::string_view path;
  uint64_t bytes = 0;
  uint64_t headerHash = 0;
};

/// XXH3-64 over the files in order: of each the length of the path (u64, little
/// endian), the path, `bytes` and `headerHash` (both u64, little endian).
uint64_t fingerprint(std::span<const FileFacts> files);

} // namespace sluice::plan
