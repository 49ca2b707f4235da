//===- storage_type.cpp - Element types of safetensors files --------------===//
#include "runtime/io/safetensors.h"

#include <iterator>

namespace sluice {
namespace {

struct TypeRow {
  const char *name;
  uint8_t bytes;
};

/// In the order of StorageType.
constexpr TypeRow kTypes[] = {
    {"BOOL", 1},    {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
    {"F8_E8M0", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},     {"BF16", 2},
    {"I32", 4},     {"U32", 4}, {"F32", 4}, {"C64", 8},     {"F64", 8},
    {"I64", 8},     {"U64", 8}};
static_assert(std::size(kTypes) == static_cast<size_t>(StorageType::U64) + 1);

} // namespace

const char *name(StorageType type) {
  return kTypes[static_cast<size_t>(type)].name;
}

uint64_t byteSize(StorageType type) {
  return kTypes[static_cast<size_t>(type)].bytes;
}

std::optional<StorageType> storageTypeFromName(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypes); ++i)
    if (name == kTypes[i].name)
      return static_cast<StorageType>(i);
  return std::nullopt;
}

std::string describe(StorageType dtype, const std::vector<int64_t> &shape) {
  std::string text = std::string(name(dtype)) + " [";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

} // namespace sluice
