//===- test_data.h - Committed data of the text tests -----------*- C++ -*-===//
#pragma once

#include "runtime/core/json.h"
#include "runtime/text/tokenizer.h"

#include <gtest/gtest.h>

namespace sluice::text::test {

/// The text of a file below the repository's root.
std::string readSource(const std::string &path);
/// A JSON file of tests/runtime/text/data.
nlohmann::json readData(const std::string &name);
/// "demo" for the demo model's tokenizer, or one that make_oracle.py wrote.
Tokenizer openTokenizer(const std::string &name);

inline const std::string &asString(const nlohmann::json &value) {
  return *value.get_ptr<const std::string *>();
}
std::vector<int32_t> asIds(const nlohmann::json &value);
std::string fromBase64(std::string_view text);
/// CRC-32 as in zlib, continued from `crc`.
uint32_t crc32(uint32_t crc, const void *data, size_t bytes);

} // namespace sluice::text::test
