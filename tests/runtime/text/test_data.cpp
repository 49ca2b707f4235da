//===- test_data.cpp --------------------------------------------*- C++ -*-===//
#include "tests/runtime/text/test_data.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

namespace sluice::text::test {

std::string readSource(const std::string &path) {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/" + path,
                     std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

nlohmann::json readData(const std::string &name) {
  Result<nlohmann::json> value =
      parseJson(readSource("tests/runtime/text/data/" + name), name);
  EXPECT_TRUE(value.isOk()) << value.status().message();
  return value ? std::move(*value) : nlohmann::json();
}

Tokenizer openTokenizer(const std::string &name) {
  std::string path =
      name == "demo" ? "models/demo/target/tokenizer.json"
                     : "tests/runtime/text/data/" + name + ".tokenizer.json";
  Result<Tokenizer> tokenizer =
      Tokenizer::open(std::string(SLUICE_SOURCE_DIR) + "/" + path);
  if (!tokenizer) {
    std::cerr << tokenizer.status().message() << '\n';
    std::abort();
  }
  return *tokenizer;
}

std::vector<int32_t> asIds(const nlohmann::json &value) {
  std::vector<int32_t> ids;
  for (const nlohmann::json &id : value)
    ids.push_back(id.get<int32_t>());
  return ids;
}

std::string fromBase64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    if (c == '=')
      break;
    bits = bits << 6 | static_cast<uint32_t>(kDigits.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count);
    }
  }
  return bytes;
}

uint32_t crc32(uint32_t crc, const void *data, size_t bytes) {
  // What eight bits do to the rest, by their value.
  static const auto table = [] {
    std::array<uint32_t, 256> table = {};
    for (uint32_t value = 0; value < table.size(); ++value) {
      uint32_t rest = value;
      for (int bit = 0; bit < 8; ++bit)
        rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320u : 0);
      table[value] = rest;
    }
    return table;
  }();
  crc = ~crc;
  for (size_t i = 0; i < bytes; ++i)
    crc =
        crc >> 8 ^ table[(crc ^ static_cast<const uint8_t *>(data)[i]) & 0xffu];
  return ~crc;
}

} // namespace sluice::text::test
