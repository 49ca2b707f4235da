//===- routing_recorder_test.cpp - Is what ran what the file says? --------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/decode/routing_recorder.h"
#include "runtime/experts/routing_file.h"
#include "tests/runtime/executor/run_tiny.h"

#include <algorithm>

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr uint32_t kLayers = 3, kExperts = 4, kTopK = 2;

class Recording : public ::testing::Test {
protected:
  void SetUp() override {
    TinyModel model;
    model.layers = kLayers;
    disk = std::make_unique<TinyOnDisk>(makeTinyPlan(model));
    auto made = makeCpuBackend({2, 512});
    ASSERT_TRUE(made.isOk());
    backend = std::move(*made);
    auto loaded = disk->load(*backend);
    ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
    executor = std::move(*loaded);
    path = disk->directory.file("routing.safetensors");
    expected = {.model = "tiny",
                .fingerprint = executor->plan().get().fingerprint(),
                .layers = {0, 1, 2},
                .experts = kExperts,
                .topK = kTopK};
  }

  std::unique_ptr<TinyOnDisk> disk;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Executor> executor;
  std::string path;
  experts::RoutingExpectation expected;
};

TEST_F(Recording, SumsAreThoseOfTheTrace) {
  RoutingRecorder recorder(*executor);
  recorder.reserve(8);
  const uint32_t prompts[] = {1, 1, 0, 0}, next[] = {0, 1};
  step(*executor, EntryPoint::Prefill,
       {{5, 0, 0}, {6, 1, 0}, {7, 0, 1}, {2, 1, 1}}, {1}, true);
  recorder.record(*executor, EntryPoint::Prefill, prompts);
  step(*executor, EntryPoint::Decode, {{9, 2, 1}, {3, 2, 0}}, {0}, true);
  recorder.record(*executor, EntryPoint::Decode, next);
  const Status written = recorder.write(path);
  ASSERT_TRUE(written.isOk()) << written.message();

  const auto trace = experts::readRoutingTrace(path, expected);
  ASSERT_TRUE(trace.isOk()) << trace.status().message();
  const auto read = experts::readRoutingStatistics(path, expected);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  ASSERT_EQ(trace->rows, 6u);
  ASSERT_EQ(read->rows, 6u);
  // The last step's rows: prompt 0's third token, then prompt 1's.
  for (uint32_t row = 0; row < 2; ++row)
    for (uint32_t layer = 0; layer < kLayers; ++layer) {
      const auto ids = executor->output(EntryPoint::Decode,
                                        plan::fb::Role::ExpertIds, layer);
      const auto kept = trace->at(2 + 3 * row, layer);
      EXPECT_EQ(std::memcmp(ids.data() + row * kTopK * 4, kept.data(),
                            kept.size_bytes()),
                0);
    }

  std::vector<float> uses(kLayers * kExperts, 0);
  std::vector<int32_t> transitions(uses.size() * kExperts, 0);
  for (uint64_t row = 0; row < trace->rows; ++row)
    for (uint32_t layer = 0; layer < kLayers; ++layer)
      for (int32_t id : trace->at(row, layer)) {
        const auto to = static_cast<uint32_t>(id);
        uses[layer * kExperts + to] += 1;
        for (uint32_t rank = 0; layer > 0 && rank < kTopK; ++rank) {
          const auto from =
              static_cast<uint32_t>(trace->at(row, layer - 1)[rank]);
          ++transitions[(layer * kExperts + from) * kExperts + to];
        }
      }
  for (float &count : uses)
    count /= 6;
  EXPECT_EQ(read->popularity, uses);
  EXPECT_EQ(read->transitions, transitions);
}

TEST_F(Recording, OfNothingIsAFileWithoutRows) {
  RoutingRecorder recorder(*executor);
  ASSERT_TRUE(recorder.write(path).isOk());
  const auto read = experts::readRoutingStatistics(path, expected);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  EXPECT_EQ(read->rows, 0u);
  EXPECT_EQ(read->popularity, std::vector<float>(kLayers * kExperts, 0.0f));
}

} // namespace
