//===- routing_file_test.cpp - routing.safetensors, honest and hostile ----===//

#include "runtime/experts/routing_file.h"
#include "runtime/io/safetensors_writer.h"
#include "tests/runtime/io/temporary_directory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

using namespace sluice;
using namespace sluice::experts;
using sluice::testing::expectLine;
using sluice::testing::TemporaryDirectory;

namespace {

/// Two layers (3 and 5 in the model) of three experts, top 2; four tokens of
/// two sequences, recorded out of order.
struct Example {
  std::vector<uint32_t> layers = {3, 5};
  std::vector<int32_t> ids = {0,      1, 1, 2, /**/ 2, 0, 0, 1,
                              /**/ 1, 2, 2, 0, /**/ 0, 2, 0, 2};
  std::vector<float> weights = std::vector<float>(16, 0.5f);
  std::vector<int32_t> tokens = {10, 11, 12, 13};
  std::vector<int32_t> positions = {1, 0, 0, 1};
  std::vector<int32_t> sequences = {1, 0, 1, 0};
  std::vector<float> popularity = {0.75f, 0.5f, 0.75f, 0.75f, 0.5f, 0.75f};
  std::vector<int32_t> transitions = {0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      2, 2, 2, 1, 1, 2, 3, 1, 2};

  Status write(const std::string &path) const {
    return writeRoutingFile(path, {.model = "demo",
                                   .fingerprint = 0xabc,
                                   .experts = 3,
                                   .topK = 2,
                                   .layers = layers,
                                   .ids = ids,
                                   .weights = weights,
                                   .tokens = tokens,
                                   .positions = positions,
                                   .sequences = sequences,
                                   .popularity = popularity,
                                   .transitions = transitions});
  }
};

const RoutingExpectation kExpected = {.model = "demo",
                                      .fingerprint = 0xabc,
                                      .layers = {3, 5},
                                      .experts = 3,
                                      .topK = 2};

class RoutingFile : public ::testing::Test {
protected:
  TemporaryDirectory directory;
  std::string path = directory.file("routing.safetensors");

  void write(const Example &example) {
    const Status status = example.write(path);
    ASSERT_TRUE(status.isOk()) << status.message();
  }
  /// Both readers refuse the file with one line that holds `parts`.
  void expectRefused(std::initializer_list<std::string_view> parts,
                     const RoutingExpectation &expected = kExpected) {
    const auto statistics = readRoutingStatistics(path, expected);
    ASSERT_FALSE(statistics.isOk());
    expectLine(statistics.status().message(), parts);
    expectLine(statistics.status().message(), {path});
    const auto trace = readRoutingTrace(path, expected);
    ASSERT_FALSE(trace.isOk());
    expectLine(trace.status().message(), parts);
  }
};

TEST_F(RoutingFile, StatisticsComeBack) {
  const Example example;
  write(example);
  for (const RoutingExpectation &expected : {kExpected, RoutingExpectation()}) {
    const auto read = readRoutingStatistics(path, expected);
    ASSERT_TRUE(read.isOk()) << read.status().message();
    EXPECT_EQ(read->model, "demo");
    EXPECT_EQ(read->fingerprint, 0xabcu);
    EXPECT_EQ(read->layers, example.layers);
    EXPECT_EQ(read->experts, 3u);
    EXPECT_EQ(read->topK, 2u);
    EXPECT_EQ(read->rows, 4u);
    EXPECT_EQ(read->popularity, example.popularity);
    EXPECT_EQ(read->transitions, example.transitions);
  }
}

TEST_F(RoutingFile, SuccessorsAreLikeliestFirst) {
  write(Example());
  const auto read = readRoutingStatistics(path, kExpected);
  ASSERT_TRUE(read.isOk());
  // After 0 all are alike: by popularity (0.75, 0.5, 0.75), then by number.
  EXPECT_EQ(read->successors(1, 3),
            (std::vector<uint16_t>{0, 2, 1, /**/ 2, 0, 1, /**/ 0, 2, 1}));
  EXPECT_EQ(read->successors(1, 1), (std::vector<uint16_t>{0, 2, 0}));
}

TEST_F(RoutingFile, TheTraceIsSortedBySequenceAndPosition) {
  write(Example());
  const auto trace = readRoutingTrace(path, kExpected);
  ASSERT_TRUE(trace.isOk()) << trace.status().message();
  EXPECT_EQ(trace->banks, 2u);
  EXPECT_EQ(trace->rows, 4u);
  EXPECT_EQ(trace->ids,
            (std::vector<int32_t>{2, 0, 0, 1, /**/ 0, 2, 0, 2,
                                  /**/ 1, 2, 2, 0, /**/ 0, 1, 1, 2}));
  EXPECT_EQ(trace->at(3, 1)[0], 1);
}

TEST_F(RoutingFile, AnotherModelIsRefusedByName) {
  write(Example());
  RoutingExpectation other = kExpected;
  other.model = "bigger";
  other.fingerprint = 0xdef;
  expectRefused({"recorded with model 'demo'", "0000000000000abc", "'bigger'",
                 "0000000000000def"},
                other);
  EXPECT_EQ(readRoutingStatistics(path, other).status().code(),
            ErrorCode::Unsupported);
  other = kExpected;
  other.layers = {3, 4};
  expectRefused({"2 MoE layers 3, 5", "expected", "2 MoE layers 3, 4"}, other);
  other = kExpected;
  other.experts = 4;
  expectRefused({"3 experts", "expected", "4"}, other);
  other = kExpected;
  other.topK = 1;
  expectRefused({"top 2", "expected", "top 1"}, other);
}

TEST_F(RoutingFile, BadStatisticsAreRefused) {
  const float badFloats[] = {std::numeric_limits<float>::quiet_NaN(),
                             std::numeric_limits<float>::infinity(), -0.1f,
                             1.5f};
  for (float bad : badFloats) {
    Example example;
    example.popularity[4] = bad;
    write(example);
    const auto read = readRoutingStatistics(path, kExpected);
    ASSERT_FALSE(read.isOk()) << bad;
    expectLine(read.status().message(),
               {path, "'popularity'", "expert 1 of row 1", "expected"});
  }
  Example example;
  example.transitions[13] = -1;
  write(example);
  const auto read = readRoutingStatistics(path, kExpected);
  ASSERT_FALSE(read.isOk());
  expectLine(read.status().message(),
             {path, "'transitions'", "expert 1 of row 4", "found -1"});
}

TEST_F(RoutingFile, BadIdsAreRefused) {
  for (int32_t bad : {-1, 3, 1 << 30, -(1 << 30)}) {
    Example example;
    example.ids[5] = bad;
    write(example);
    const auto read = readRoutingTrace(path, kExpected);
    ASSERT_FALSE(read.isOk()) << bad;
    expectLine(read.status().message(),
               {path, "'experts'", "rank 1 of row 2",
                "found " + std::to_string(bad), "expected 0 to 2"});
  }
  Example twice;
  twice.ids[5] = twice.ids[4];
  write(twice);
  const auto read = readRoutingTrace(path, kExpected);
  ASSERT_FALSE(read.isOk());
  expectLine(read.status().message(), {"twice", "distinct"});
}

TEST_F(RoutingFile, AnEmptyTraceHasStatisticsOnly) {
  Example empty;
  empty.ids.clear();
  empty.weights.clear();
  empty.tokens = empty.positions = empty.sequences = {};
  write(empty);
  EXPECT_TRUE(readRoutingStatistics(path, kExpected).isOk());
  const auto read = readRoutingTrace(path, kExpected);
  ASSERT_FALSE(read.isOk());
  expectLine(read.status().message(), {path, "no rows"});
}

/// A file made tensor by tensor, for shapes that the writer never writes.
struct Tensor {
  std::string name;
  StorageType dtype;
  std::vector<int64_t> shape;
};
std::vector<Tensor> goodTensors() {
  using enum StorageType;
  return {{"experts", I32, {4, 2, 2}}, {"weights", F32, {4, 2, 2}},
          {"tokens", I32, {4}},        {"positions", I32, {4}},
          {"sequences", I32, {4}},     {"layers", I32, {2}},
          {"popularity", F32, {2, 3}}, {"transitions", I32, {2, 3, 3}}};
}
void writeZeros(const std::string &path, const std::vector<Tensor> &tensors,
                const std::map<std::string, std::string> &metadata = {
                    {"fingerprint", "0000000000000abc"}}) {
  std::vector<SafetensorsWriter::Entry> entries;
  uint64_t bytes = 0;
  for (const Tensor &tensor : tensors) {
    entries.push_back({tensor.name, tensor.dtype, tensor.shape});
    uint64_t size = byteSize(tensor.dtype);
    for (int64_t dim : tensor.shape)
      size *= static_cast<uint64_t>(dim);
    bytes += size;
  }
  auto file = SafetensorsWriter::create(path, entries, metadata);
  ASSERT_TRUE(file.isOk()) << file.status().message();
  const std::string zeros(bytes, '\0');
  ASSERT_TRUE(file->append(zeros.data(), zeros.size()).isOk());
  ASSERT_TRUE(file->finish().isOk());
}

TEST_F(RoutingFile, WrongShapesTypesAndMissingTensorsAreRefused) {
  const RoutingExpectation any;
  using enum StorageType;
  const struct {
    const char *tensor;
    StorageType dtype;
    std::vector<int64_t> shape;
    bool traceToo; ///< Whether the trace's reader looks at it.
  } kBad[] = {
      {"experts", I64, {4, 2, 2}, true},
      {"experts", I32, {4, 3, 2}, true},
      {"experts", I32, {4, 2}, true},
      {"experts", I32, {4, 2, 0}, true},
      {"experts", I32, {4, 2, 4}, true}, // top 4 of 3
      {"layers", F32, {2}, true},
      {"layers", I32, {0}, true},
      {"layers", I32, {2, 1}, true},
      {"popularity", F64, {2, 3}, true},
      {"popularity", F32, {2}, true},
      {"popularity", F32, {3, 3}, true},
      {"popularity", F32, {2, 0}, true},
      {"popularity", F32, {2, 65536}, true},
      {"transitions", F32, {2, 3, 3}, false},
      {"transitions", I32, {2, 3}, false},
      {"transitions", I32, {2, 3, 4}, false},
  };
  for (const auto &bad : kBad) {
    std::vector<Tensor> tensors = goodTensors();
    for (Tensor &tensor : tensors)
      if (tensor.name == bad.tensor) {
        tensor.dtype = bad.dtype;
        tensor.shape = bad.shape;
      }
    writeZeros(path, tensors);
    const auto read = readRoutingStatistics(path, any);
    ASSERT_FALSE(read.isOk()) << describe(bad.dtype, bad.shape);
    expectLine(read.status().message(), {path, "found", "expected"});
    if (bad.traceToo) {
      expectRefused({"found"}, any);
    }
  }
  for (const char *missing :
       {"experts", "layers", "popularity", "transitions"}) {
    std::vector<Tensor> tensors = goodTensors();
    std::erase_if(tensors,
                  [&](const Tensor &tensor) { return tensor.name == missing; });
    writeZeros(path, tensors);
    const auto read = readRoutingStatistics(path, any);
    ASSERT_FALSE(read.isOk()) << missing;
    expectLine(read.status().message(), {path, missing, "is missing"});
  }
  for (const char *wrong : {"positions", "sequences"}) {
    std::vector<Tensor> tensors = goodTensors();
    for (Tensor &tensor : tensors)
      if (tensor.name == wrong)
        tensor.shape = {5};
    writeZeros(path, tensors);
    const auto read = readRoutingTrace(path, any);
    ASSERT_FALSE(read.isOk()) << wrong;
    expectLine(read.status().message(), {path, wrong, "I32 [5]", "I32 [4]"});
  }
}

TEST_F(RoutingFile, ABadFingerprintIsRefused) {
  for (const char *bad : {"", "abc", "000000000000000g", "0000000000000abc0",
                          "-000000000000001", "0x00000000000001"}) {
    writeZeros(path, goodTensors(), {{"fingerprint", bad}});
    expectRefused({"fingerprint", "16 hexadecimal"}, RoutingExpectation());
  }
  writeZeros(path, goodTensors(), {});
  expectRefused({"fingerprint", "--record-routing"}, RoutingExpectation());
}

TEST_F(RoutingFile, NoFileAndCutFilesAreRefused) {
  EXPECT_FALSE(readRoutingStatistics(path, kExpected).isOk());
  write(Example());
  const auto whole = std::filesystem::file_size(path);
  for (uint64_t bytes = 0; bytes < whole; bytes += 7) {
    std::filesystem::resize_file(path, bytes);
    EXPECT_FALSE(readRoutingStatistics(path, kExpected).isOk()) << bytes;
    EXPECT_FALSE(readRoutingTrace(path, kExpected).isOk()) << bytes;
    write(Example());
  }
}

TEST_F(RoutingFile, AnyFlippedByteIsReadOrRefused) {
  write(Example());
  auto content = readTextFile(path);
  ASSERT_TRUE(content.isOk());
  for (size_t at = 0; at < content->size(); ++at)
    for (char flip : {'\x01', '\x80', '\xff'}) {
      std::string changed = *content;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      directory.write("flipped", changed);
      // Whatever it says, nothing may be read past an array.
      const auto statistics =
          readRoutingStatistics(directory.file("flipped"), kExpected);
      if (statistics.isOk()) {
        EXPECT_EQ(statistics->successors(1, 3).size(), 9u);
      }
      const auto trace = readRoutingTrace(directory.file("flipped"), kExpected);
      if (trace.isOk()) {
        EXPECT_EQ(trace->ids.size(), 16u);
      }
    }
}

} // namespace
