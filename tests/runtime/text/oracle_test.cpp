//===- oracle_test.cpp - The same ids as Hugging Face -----------*- C++ -*-===//
//
// data/*.oracle.json holds what `tokenizers` made of data/strings.json and of
// random ids (make_oracle.py).
//
//===----------------------------------------------------------------------===//
#include "runtime/text/stream_decoder.h"
#include "runtime/text/utf8.h"
#include "tests/runtime/text/test_data.h"

namespace sluice::text::test {
namespace {

class Oracle : public testing::TestWithParam<const char *> {
protected:
  Tokenizer tokenizer = openTokenizer(GetParam());
  nlohmann::json oracle = readData(std::string(GetParam()) + ".oracle.json");
};

TEST_P(Oracle, EncodesAndDecodesStrings) {
  nlohmann::json strings = readData("strings.json");
  const nlohmann::json &rows = oracle["strings"];
  ASSERT_GE(strings.size(), 2000u);
  ASSERT_EQ(strings.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string raw = fromBase64(asString(strings[i]));
    SCOPED_TRACE("string " + std::to_string(i) + ": " + raw);
    std::vector<int32_t> expected = asIds(rows[i]["ids"]);
    Result<std::vector<int32_t>> ids = tokenizer.encode(raw);
    ASSERT_TRUE(ids.isOk()) << ids.status().message();
    EXPECT_EQ(*ids, expected);
    Result<std::vector<int32_t>> literal =
        tokenizer.encode(raw, SpecialTokens::Literal);
    ASSERT_TRUE(literal.isOk());
    EXPECT_EQ(*literal, rows[i].contains("literal") ? asIds(rows[i]["literal"])
                                                    : expected);

    std::string text =
        rows[i].contains("text") ? asString(rows[i]["text"]) : toValidUtf8(raw);
    EXPECT_EQ(tokenizer.decode(expected, false), text);
    EXPECT_EQ(tokenizer.decode(expected, true),
              rows[i].contains("skipped") ? asString(rows[i]["skipped"])
                                          : text);
  }
}

TEST_P(Oracle, DecodesAnyIds) {
  ASSERT_GE(oracle["decode"].size(), 500u);
  for (const nlohmann::json &row : oracle["decode"]) {
    std::vector<int32_t> ids = asIds(row["ids"]);
    EXPECT_EQ(tokenizer.decode(ids, false), asString(row["text"]));
    EXPECT_EQ(tokenizer.decode(ids, true), asString(row["skipped"]));
  }
}

/// swept_points() of make_oracle.py.
std::vector<uint32_t> sweptPoints() {
  struct Block {
    uint32_t first, end, step;
  };
  static constexpr Block kBlocks[] = {
      {0, 0x3400, 1},          {0x3400, 0xA000, 16},
      {0xA000, 0xAC00, 1},     {0xAC00, 0xD7A4, 16},
      {0xD7A4, 0xD800, 1},     {0xE000, 0xF900, 64},
      {0xF900, 0x13500, 1},    {0x13500, 0x16000, 16},
      {0x16000, 0x17000, 1},   {0x17000, 0x18B00, 16},
      {0x18B00, 0x20000, 1},   {0x20000, 0x32400, 4},
      {0x32400, 0xE0000, 256}, {0xE0000, 0xE0200, 1},
      {0xE0200, 0x110000, 256}};
  std::vector<uint32_t> points;
  for (const Block &block : kBlocks)
    for (uint32_t point = block.first; point < block.end; point += block.step)
      points.push_back(point);
  return points;
}

/// Code points in contexts that show what kind of character each is.
TEST_P(Oracle, AgreesOnUnicode) {
  std::vector<uint32_t> points = sweptPoints();
  const nlohmann::json &sums = oracle["sweep"];
  ASSERT_EQ(sums.size(), (points.size() + 1023) / 1024);
  for (size_t chunk = 0; chunk < sums.size(); ++chunk) {
    size_t end = std::min(points.size(), (chunk + 1) * 1024);
    ASSERT_EQ(oracle["points"][chunk].get<uint32_t>(), points[chunk * 1024]);
    uint32_t sum = 0;
    for (size_t i = chunk * 1024; i < end; i += 16) {
      std::string text;
      for (size_t j = i; j < std::min(end, i + 16); ++j) {
        std::string c;
        appendPoint(c, points[j]);
        text += (j > i ? "\n" : "") + ("a" + c) + "1 " + c + "b'" + c + c +
                " word" + c + "e" + c + "\u0316\u0301" + c;
      }
      Result<std::vector<int32_t>> ids = tokenizer.encode(text);
      ASSERT_TRUE(ids.isOk());
      sum = crc32(sum, ids->data(), ids->size() * sizeof(int32_t));
    }
    EXPECT_EQ(sum, sums[chunk].get<uint32_t>())
        << "code points from " << points[chunk * 1024];
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Oracle,
                         testing::Values("demo", "llama", "normalized",
                                         "cased"));

} // namespace
} // namespace sluice::text::test
