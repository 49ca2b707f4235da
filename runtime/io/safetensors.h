//===- safetensors.h - The header of a weight file --------------*- C++ -*-===//
//
// A safetensors file is an 8-byte little-endian length N, N bytes of JSON and
// the data. The rules are those of the reference implementation
// (safetensors/src/tensor.rs): N <= 100,000,000; offsets lie side by side from
// 0 to the end of the file without holes or overlaps; shape x dtype equals the
// span. No byte of data is read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/io/file.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Element types of safetensors files. (Sub-byte types are refused by name.)
enum class StorageType : uint8_t {
  Bool,
  U8,
  I8,
  F8E5M2,
  F8E4M3,
  F8E8M0,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64,
};
/// As written in the header: "BF16".
const char *name(StorageType type);
uint64_t byteSize(StorageType type);
std::optional<StorageType> storageTypeFromName(std::string_view name);

/// One tensor of a file.
struct SafetensorsTensor {
  std::string name;
  StorageType dtype = StorageType::U8;
  std::vector<int64_t> shape; ///< Row-major; at most kMaxRank dims, each >= 0.
  uint64_t offset = 0;        ///< From the start of the file.
  uint64_t bytes = 0;
};

/// "BF16 [768, 2048]", for messages.
std::string describe(StorageType dtype, const std::vector<int64_t> &shape);

/// The checked header of one file.
class SafetensorsHeader {
public:
  static constexpr uint64_t kMaxHeaderBytes = 100'000'000;
  static constexpr size_t kMaxRank = 8;

  /// Reads and checks the header of `file`, whose end must be the data's end.
  static Result<SafetensorsHeader> read(const File &file);
  /// The same from memory. `start` holds at least the length and the JSON of a
  /// file of `fileBytes` bytes; `fileName` is for messages.
  static Result<SafetensorsHeader>
  parse(std::string_view start, uint64_t fileBytes, std::string_view fileName);

  /// Sorted by name.
  const std::vector<SafetensorsTensor> &tensors() const { return list; }
  const SafetensorsTensor *find(std::string_view name) const;
  const std::map<std::string, std::string> &metadata() const { return extra; }
  /// Moves the tensors out, for callers that merge several files.
  std::vector<SafetensorsTensor> takeTensors() { return std::move(list); }
  /// XXH3-64 of the length prefix and the JSON.
  uint64_t hash() const { return headerHash; }
  /// Where the data begins: 8 + N.
  uint64_t dataOffset() const { return dataStart; }

private:
  std::vector<SafetensorsTensor> list;
  std::map<std::string, std::string> extra;
  uint64_t headerHash = 0;
  uint64_t dataStart = 0;
};

} // namespace sluice
