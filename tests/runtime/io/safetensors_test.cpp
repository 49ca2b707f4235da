//===- safetensors_test.cpp - Headers good and bad, and the writer --------===//
#include "runtime/io/safetensors.h"

#include "runtime/core/hash.h"
#include "runtime/io/safetensors_writer.h"
#include "tests/runtime/io/temporary_directory.h"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using sluice::testing::expectLine;
using sluice::testing::TemporaryDirectory;

std::string prefix(uint64_t length) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes;
}

/// A file of `json` and `data` zero bytes.
std::string image(const std::string &json, size_t data) {
  return prefix(json.size()) + json + std::string(data, '\0');
}

Result<SafetensorsHeader> parse(const std::string &file) {
  return SafetensorsHeader::parse(file, file.size(), "m.safetensors");
}

TEST(Safetensors, ReadsAHeader) {
  const std::string json =
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"data_offsets":[6,18],"dtype":"F32","shape":[3]},)"
      R"("a":{"dtype":"BF16","shape":[1,3],"data_offsets":[0,6]},)"
      R"("scalar":{"dtype":"I64","shape":[],"data_offsets":[18,26]}}   )";
  const std::string file = image(json, 26);
  auto header = parse(file);
  ASSERT_TRUE(header) << header.status().message();
  ASSERT_EQ(header->tensors().size(), 3u);
  EXPECT_EQ(header->metadata().at("format"), "pt");
  EXPECT_EQ(header->dataOffset(), 8 + json.size());
  EXPECT_EQ(header->hash(), hash64(file.substr(0, 8 + json.size())));
  const SafetensorsTensor *a = header->find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->dtype, StorageType::BF16);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(a->offset, 8 + json.size());
  EXPECT_EQ(a->bytes, 6u);
  EXPECT_EQ(header->find("b")->offset, 8 + json.size() + 6);
  EXPECT_EQ(header->find("scalar")->bytes, 8u);
  EXPECT_EQ(header->find("c"), nullptr);
}

TEST(Safetensors, SurvivesZeroSizesAndMisalignment) {
  auto empty = parse(image("{}", 0));
  ASSERT_TRUE(empty) << empty.status().message();
  EXPECT_TRUE(empty->tensors().empty());
  // An F32 tensor at an odd offset: reads go to aligned memory anyway.
  auto odd = parse(image(
      R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
      R"("z":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[3,3]},)"
      R"("b":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}})",
      7));
  ASSERT_TRUE(odd) << odd.status().message();
  EXPECT_EQ(odd->find("z")->bytes, 0u);
  EXPECT_EQ(odd->find("b")->offset % 4, (odd->dataOffset() + 3) % 4);
}

/// One tensor "t" with these members, in `data` bytes of data.
std::string one(const std::string &members, size_t data) {
  return image("{\"t\":{" + members + "}}", data);
}

TEST(Safetensors, RefusesBadFilesInOneLine) {
  struct Bad {
    const char *name;
    std::string file;
    std::initializer_list<std::string_view> says;
  };
  const std::string ok = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  const Bad cases[] = {
      {"empty", "", {"found 0 bytes"}},
      {"seven bytes", "1234567", {"found 7 bytes"}},
      {"N = 2^64 - 1",
       prefix(~uint64_t(0)) + "{}",
       {"18446744073709551615 bytes", "at most 100000000"}},
      {"N = 2^63", prefix(uint64_t(1) << 63) + "{}", {"at most 100000000"}},
      {"100,000,001", prefix(100'000'001) + "{}", {"at most 100000000"}},
      {"truncated header", prefix(64) + "{}", {"truncated", "at least 72"}},
      {"truncated data", one(ok, 3), {"'t'", "ends at data byte 4"}},
      {"no header", prefix(0), {"an empty header"}},
      {"spaces first", image(" {}", 0), {"expected '{'"}},
      {"array", image("[]", 0), {"expected '{'"}},
      {"byte order mark", image("\xEF\xBB\xBF{}", 0), {"expected '{'"}},
      {"cut JSON", image("{\"t\":{", 0), {"byte 1", "end of input"}},
      {"garbage", image("{} {}", 0), {"expected end of input"}},
      {"bad UTF-8", image("{\"\xFF\":1}", 0), {"UTF-8"}},
      {"bad UTF-8 in metadata",
       image("{\"__metadata__\":{\"a\":\"\xC3\x28\"}}", 0),
       {"UTF-8"}},
      {"deep arrays",
       image("{\"t\":" + std::string(100000, '['), 0),
       {"'t'", "found an array"}},
      {"deep objects",
       image("{\"t\":{\"shape\":{", 0),
       {"'t'", "shape: found an object"}},
      {"deep metadata",
       image("{\"__metadata__\":{\"a\":{\"b\":{", 0),
       {"__metadata__", "'a'", "expected a string"}},
      {"metadata number",
       image("{\"__metadata__\":{\"a\":1}}", 0),
       {"'a'", "found 1, expected a string"}},
      {"metadata array",
       image("{\"__metadata__\":[]}", 0),
       {"__metadata__: found an array"}},
      {"metadata twice",
       image("{\"__metadata__\":{},\"__metadata__\":{}}", 0),
       {"__metadata__ twice"}},
      {"metadata key twice",
       image(R"({"__metadata__":{"k":"1","k":"2"}})", 0),
       {"'k' twice"}},
      {"tensor twice",
       image("{\"t\":{" + ok +
                 "},\"t\":{\"dtype\":\"F32\","
                 "\"shape\":[1],\"data_offsets\":[4,8]}}",
             8),
       {"'t' appears twice"}},
      {"dtype twice",
       one("\"dtype\":\"F32\"," + ok, 4),
       {"'t'", "dtype twice"}},
      {"number for tensor",
       image("{\"t\":3}", 0),
       {"'t'", "found 3, expected an object"}},
      {"null for tensor", image("{\"t\":null}", 0), {"'t'", "found null"}},
      {"unknown dtype",
       one(R"("dtype":"F7","shape":[1],"data_offsets":[0,4])", 4),
       {"'t'", "dtype 'F7'"}},
      {"sub-byte dtype",
       one(R"("dtype":"F4","shape":[2],"data_offsets":[0,1])", 1),
       {"'t'", "dtype 'F4'"}},
      {"number for dtype",
       one(R"("dtype":3,"shape":[1],"data_offsets":[0,4])", 4),
       {"'t'", "dtype: found 3, expected a string"}},
      {"unknown key", one(ok + ",\"stride\":[1]", 4), {"'t'", "'stride'"}},
      {"no dtype",
       one(R"("shape":[1],"data_offsets":[0,4])", 4),
       {"'t'", "lacks dtype"}},
      {"no shape",
       one(R"("dtype":"F32","data_offsets":[0,4])", 4),
       {"'t'", "lacks shape"}},
      {"no offsets",
       one(R"("dtype":"F32","shape":[1])", 4),
       {"'t'", "lacks data_offsets"}},
      {"negative dim",
       one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])", 4),
       {"'t'", "shape: found -1"}},
      {"fractional dim",
       one(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])", 4),
       {"'t'", "shape: found 1.0"}},
      {"string dim",
       one(R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])", 4),
       {"'t'", "shape: found '1'"}},
      {"dim 2^63",
       one(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4])",
           4),
       {"'t'", "9223372036854775808"}},
      {"dim beyond 2^64",
       one(R"("dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4])",
           4),
       {"'t'", "99999999999999999999"}},
      {"rank",
       one(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],)"
           R"("data_offsets":[0,1])",
           1),
       {"'t'", "more than 8 dimensions"}},
      {"product overflow",
       one(R"("dtype":"U8","shape":[4294967296,4294967296],)"
           R"("data_offsets":[0,0])",
           0),
       {"'t'", "below 2^64"}},
      {"bytes overflow",
       one(R"("dtype":"F32","shape":[4611686018427387905],)"
           R"("data_offsets":[0,4])",
           4),
       {"'t'", "below 2^64"}},
      {"one offset",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[4])", 4),
       {"'t'", "found 1 data_offsets"}},
      {"three offsets",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])", 4),
       {"'t'", "more than two data_offsets"}},
      {"negative offset",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[-4,0])", 4),
       {"'t'", "data_offsets: found -4"}},
      {"backwards",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])", 4),
       {"'t'", "begin <= end"}},
      {"hole at the start",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", 8),
       {"'t'", "begins at data byte 4", "a hole"}},
      {"hole between",
       image("{\"t\":{" + ok +
                 "},\"u\":{\"dtype\":\"F32\",\"shape\":[1],"
                 "\"data_offsets\":[8,12]}}",
             12),
       {"'u'", "expected 4 (a hole)"}},
      {"overlap",
       image("{\"t\":{" + ok +
                 "},\"u\":{\"dtype\":\"F32\","
                 "\"shape\":[1],\"data_offsets\":[2,6]}}",
             6),
       {"'u'", "overlap"}},
      {"same span",
       image("{\"t\":{" + ok + "},\"u\":{" + ok + "}}", 4),
       {"'u'", "overlap"}},
      {"trailing bytes", one(ok, 9), {"found 5 bytes after the last tensor"}},
      {"data without tensors", image("{}", 1), {"found 1 bytes after"}},
      {"too short for its shape",
       one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])", 4),
       {"'t'", "found 4 bytes of data, expected 8 for F32 [2]"}},
      {"huge offsets",
       one(R"("dtype":"U8","shape":[18446744073709551],)"
           R"("data_offsets":[0,18446744073709551])",
           4),
       {"'t'", "truncated"}},
      {"offsets at 2^64",
       one(R"("dtype":"U8","shape":[1],)"
           R"("data_offsets":[18446744073709551615,18446744073709551615])",
           4),
       {"'t'", "a hole"}},
  };
  for (const Bad &bad : cases) {
    SCOPED_TRACE(bad.name);
    auto header = parse(bad.file);
    ASSERT_FALSE(header);
    expectLine(header.status().message(), {"m.safetensors: "});
    expectLine(header.status().message(), bad.says);
  }
}

TEST(Safetensors, ControlCharactersInNamesStayOutOfMessages) {
  auto header = parse(image(R"({"a\nb\u001b[2J":{"dtype":"X"}})", 0));
  ASSERT_FALSE(header);
  expectLine(header.status().message(), {"'a?b?[2J'"});
}

TEST(Safetensors, ReadsNineteenThousandTensors) {
  TemporaryDirectory folder;
  std::vector<SafetensorsWriter::Entry> entries;
  for (int i = 0; i < 19000; ++i)
    entries.push_back({"model.layers." + std::to_string(i / 400) +
                           ".mlp.experts." + std::to_string(i % 400) +
                           ".gate_proj.weight",
                       StorageType::BF16,
                       {1, 1}});
  auto writer = SafetensorsWriter::create(folder.file("m"), entries);
  ASSERT_TRUE(writer) << writer.status().message();
  ASSERT_TRUE(writer->append(std::string(38000, 'x').data(), 38000).isOk());
  ASSERT_TRUE(writer->finish().isOk());
  auto file = File::open(folder.file("m"));
  ASSERT_TRUE(file);
  const auto start = std::chrono::steady_clock::now();
  auto header = SafetensorsHeader::read(*file);
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(header) << header.status().message();
  EXPECT_EQ(header->tensors().size(), 19000u);
  RecordProperty("milliseconds", std::to_string(took.count()));
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  TemporaryDirectory folder;
  auto writer =
      SafetensorsWriter::create(folder.file("out"),
                                {{"b", StorageType::F32, {2}},
                                 {"a \"quoted\"", StorageType::U8, {3}},
                                 {"none", StorageType::I32, {0, 5}}},
                                {{"format", "pt"}, {"note", "line\nbreak"}});
  ASSERT_TRUE(writer) << writer.status().message();
  const float values[] = {1.5f, -2.0f};
  ASSERT_TRUE(writer->append(values, sizeof(values)).isOk());
  ASSERT_TRUE(writer->append("xy", 2).isOk());
  EXPECT_FALSE(std::filesystem::exists(folder.file("out")));
  expectLine(writer->finish().message(), {"out", "expected"});
  ASSERT_TRUE(writer->append("z", 1).isOk());
  expectLine(writer->append("!", 1).message(), {"out", "at most the 0"});
  ASSERT_TRUE(writer->finish().isOk());

  auto file = File::open(folder.file("out"));
  ASSERT_TRUE(file);
  auto header = SafetensorsHeader::read(*file);
  ASSERT_TRUE(header) << header.status().message();
  EXPECT_EQ(header->dataOffset() % 8, 0u);
  EXPECT_EQ(header->metadata().at("note"), "line\nbreak");
  const SafetensorsTensor *b = header->find("b");
  ASSERT_NE(b, nullptr);
  float back[2];
  ASSERT_TRUE(
      file->read(b->offset, std::as_writable_bytes(std::span(back))).isOk());
  EXPECT_EQ(back[1], -2.0f);
  char text[3];
  ASSERT_TRUE(file->read(header->find("a \"quoted\"")->offset,
                         std::as_writable_bytes(std::span(text)))
                  .isOk());
  EXPECT_EQ(std::string_view(text, 3), "xyz");
  EXPECT_EQ(header->find("none")->bytes, 0u);
}

TEST(SafetensorsWriter, RefusesImpossibleTensors) {
  TemporaryDirectory folder;
  auto create = [&](std::vector<SafetensorsWriter::Entry> entries) {
    return SafetensorsWriter::create(folder.file("out"), entries).takeStatus();
  };
  expectLine(create({{"t", StorageType::F32, {-1}}}).message(), {"'t'"});
  expectLine(create({{"t", StorageType::F32, {int64_t(1) << 62}}}).message(),
             {"'t'", "2^64"});
  expectLine(
      create({{"t", StorageType::F32, {1}}, {"t", StorageType::F32, {1}}})
          .message(),
      {"'t' appears twice"});
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

} // namespace
} // namespace sluice
