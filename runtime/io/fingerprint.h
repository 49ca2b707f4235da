//===- fingerprint.h - Which weights a plan was made for --------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sluice {

/// What identifies a weight file without reading its data.
struct FileIdentity {
  std::string path;        ///< Relative to the model directory, no "..".
  uint64_t bytes = 0;      ///< Of the whole file.
  uint64_t headerHash = 0; ///< SafetensorsHeader::hash().
};

/// XXH3-64 over the number of files and, of each in order, the length of its
/// path, the path, its size and its header hash. Compiler and runtime both use
/// this function; plans store its result.
uint64_t fingerprint(std::span<const FileIdentity> files);

} // namespace sluice
