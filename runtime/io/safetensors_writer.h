//===- safetensors_writer.h - Writing a safetensors file --------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/io/file.h"
#include "runtime/io/safetensors.h"

#include <map>
#include <string>
#include <vector>

namespace sluice {

/// Writes a safetensors file as a stream: the tensors are declared first, then
/// their bytes follow in the order of declaration, in pieces of any size. The
/// file appears under its path only when finish() has seen every byte.
class SafetensorsWriter {
public:
  struct Entry {
    std::string name;
    StorageType dtype;
    std::vector<int64_t> shape;
  };

  /// Writes the header. `metadata` becomes "__metadata__". Fails on duplicate
  /// names and on sizes that do not fit 64 bits.
  static Result<SafetensorsWriter>
  create(const std::string &path, const std::vector<Entry> &tensors,
         const std::map<std::string, std::string> &metadata = {});

  /// The next bytes of the data; more than was declared is an error.
  Status append(const void *data, size_t bytes);
  /// Fewer bytes than declared is an error.
  Status finish();

private:
  SafetensorsWriter(NewFile file, uint64_t expected, std::string path)
      : file(std::move(file)), expected(expected), path(std::move(path)) {}

  NewFile file;
  uint64_t expected; ///< Bytes of the finished file.
  std::string path;
};

} // namespace sluice
