//===- executor_test.cpp - Plans written by hand, run on the CPU ----------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/executor/rope_table.h"
#include "tests/runtime/executor/run_tiny.h"

#include <cmath>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::unique_ptr<Backend> cpu(unsigned threads = 2) {
  auto backend = makeCpuBackend({threads, 512});
  EXPECT_TRUE(backend.isOk());
  return std::move(*backend);
}

float bf16At(const std::string &file, size_t element) {
  uint32_t bits = uint32_t(uint8_t(file[element * 2 + 1])) << 24 |
                  uint32_t(uint8_t(file[element * 2])) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

TEST(Executor, GivesTheLogitsOneCanComputeByHand) {
  constexpr uint32_t kVocab = 11, kHidden = 5;
  TinyPlan tiny = makeBigramPlan(kVocab, kHidden);
  TinyOnDisk disk(tiny);
  auto backend = cpu();
  auto executor = disk.load(*backend);
  ASSERT_TRUE(executor.isOk()) << executor.status().message();
  std::vector<Row> rows = {{3, 0, 0}, {10, 1, 0}, {0, 0, 1}};
  std::vector<int32_t> chosen = {2, 0, 1, 1};
  for (EntryPoint entry : {EntryPoint::Prefill, EntryPoint::Decode}) {
    std::vector<float> logits = step(**executor, entry, rows, chosen);
    for (size_t s = 0; s < chosen.size(); ++s)
      for (uint32_t v = 0; v < kVocab; ++v) {
        double sum = 0;
        for (uint32_t h = 0; h < kHidden; ++h)
          // The file: 256 bytes of header, embedding, head.
          sum +=
              bf16At(tiny.checkpoint,
                     128 + rows[chosen[s]].token * kHidden + h) *
              double(bf16At(tiny.checkpoint, 128 + (kVocab + v) * kHidden + h));
        EXPECT_NEAR(logits[s * kVocab + v], sum, 1e-5);
      }
  }
  EXPECT_TRUE(backend->checkGuards().isOk());
}

class TinyModels : public ::testing::TestWithParam<fb::DType> {
protected:
  TinyModels() : disk(make()) {}
  static TinyPlan make() {
    TinyModel model;
    model.activations = GetParam();
    return makeTinyPlan(model);
  }
  std::unique_ptr<Executor> load(Backend &backend) {
    auto executor = disk.load(backend);
    EXPECT_TRUE(executor.isOk()) << executor.status().message();
    return std::move(*executor);
  }

  TinyOnDisk disk;
};

TEST_P(TinyModels, PrefillDecodeAndBatchesGiveTheSameBits) {
  const std::vector<int32_t> a = {1, 7, 23, 4, 4, 9}, b = {0, 11, 12};
  auto backend = cpu();
  auto executor = load(*backend);

  // Alone, token by token.
  std::vector<std::vector<float>> alone;
  for (size_t i = 0; i < a.size(); ++i)
    alone.push_back(
        step(*executor, EntryPoint::Decode, {{a[i], int32_t(i), 0}}, {0}));
  EXPECT_NE(alone[0], alone[1]);
  for (float value : alone.back())
    EXPECT_TRUE(std::isfinite(value));

  // All at once, another sequence beside it, in another executor.
  auto fresh = load(*backend);
  std::vector<Row> rows;
  for (size_t i = 0; i < 5; ++i)
    rows.push_back({a[i], int32_t(i), 0});
  for (size_t i = 0; i < 3; ++i)
    rows.push_back({b[i], int32_t(i), 1});
  std::vector<float> logits = step(*fresh, EntryPoint::Prefill, rows, {4, 1});
  std::vector<float> expected = alone[4];
  expected.insert(expected.end(), alone[1].begin(), alone[1].end());
  EXPECT_EQ(logits, expected);

  // And decode goes on where prefill ended, in a batch.
  logits = step(*fresh, EntryPoint::Decode, {{2, 3, 1}, {a[5], 5, 0}}, {1});
  EXPECT_EQ(logits, alone[5]);
  EXPECT_TRUE(backend->checkGuards().isOk());
}

TEST_P(TinyModels, ThreadsDoNotChangeBits) {
  std::vector<Row> rows = {{5, 0, 0}, {6, 1, 0}, {7, 2, 0}, {5, 0, 1}};
  std::vector<std::vector<float>> results;
  for (unsigned threads : {1, 2, 7}) {
    auto backend = cpu(threads);
    auto executor = load(*backend);
    for (int repeat = 0; repeat < 3; ++repeat)
      results.push_back(step(*executor, EntryPoint::Prefill, rows, {2, 3}));
  }
  for (const auto &result : results)
    EXPECT_EQ(result, results[0]);
}

TEST_P(TinyModels, RoutingComesBackOnlyWhileRecording) {
  auto backend = cpu();
  auto executor = load(*backend);
  std::vector<Row> rows = {{5, 0, 0}, {6, 1, 0}};
  step(*executor, EntryPoint::Prefill, rows, {1}, false);
  EXPECT_EQ(floats(*executor, EntryPoint::Prefill, fb::Role::ExpertWeights, 4),
            std::vector<float>(4));
  step(*executor, EntryPoint::Prefill, rows, {1}, true);
  auto weights =
      floats(*executor, EntryPoint::Prefill, fb::Role::ExpertWeights, 4);
  EXPECT_NEAR(weights[0] + weights[1], 1, 1e-6);
  EXPECT_GE(weights[0], weights[1]);
  auto ids = executor->output(EntryPoint::Prefill, fb::Role::ExpertIds, 0);
  const auto *id = reinterpret_cast<const int32_t *>(ids.data());
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(id[i] >= 0 && id[i] < 4);
  EXPECT_NE(id[0], id[1]);
  EXPECT_TRUE(
      executor->output(EntryPoint::Prefill, fb::Role::ExpertIds, 1).empty());
  EXPECT_TRUE(executor->input(EntryPoint::Prefill, fb::Role::Logits).empty());
}

TEST_P(TinyModels, StepsWithoutLogitsRun) {
  auto backend = cpu();
  auto executor = load(*backend);
  EXPECT_TRUE(step(*executor, EntryPoint::Prefill, {{5, 0, 0}}, {}).empty());
}

INSTANTIATE_TEST_SUITE_P(Activations, TinyModels,
                         ::testing::Values(fb::DType::F32, fb::DType::BF16),
                         [](const auto &info) {
                           return fb::EnumNameDType(info.param);
                         });

TEST(StepInputs, EveryNumberIsChecked) {
  TinyOnDisk disk(makeTinyPlan());
  auto backend = cpu();
  auto executor = disk.load(*backend);
  ASSERT_TRUE(executor.isOk());
  Executor &e = **executor;
  struct Case {
    fb::Role role;
    int index;
    int32_t value;
    const char *says;
  };
  const Case cases[] = {
      {fb::Role::Tokens, 1, 24, "token 1 is 24, expected 0 to 23"},
      {fb::Role::Tokens, 0, -1, "token 0 is -1, expected 0 to 23"},
      {fb::Role::Positions, 1, 32, "position 1 is 32, expected 0 to 31"},
      {fb::Role::Positions, 1, INT32_MIN, "position 1 is -2147483648"},
      {fb::Role::Sequences, 0, 2, "sequence 0 is 2, expected 0 to 1"},
      {fb::Role::PageTable, 3, 4, "page table entry 3 is 4, expected 0 to 3"},
      {fb::Role::PageTable, 0, -1, "page table entry 0 is -1"},
      {fb::Role::LogitRowIds, 0, 2, "logit row 0 is 2, expected 0 to 1"},
  };
  for (const Case &bad : cases) {
    fill(e, EntryPoint::Decode, {{1, 0, 0}, {2, 0, 1}}, {1});
    ints(e, EntryPoint::Decode, bad.role)[bad.index] = bad.value;
    Status status = e.execute(EntryPoint::Decode, 2, 1, false);
    ASSERT_FALSE(status.isOk()) << bad.says;
    EXPECT_EQ(status.code(), ErrorCode::InvalidArgument);
    expectLine(status.message(), {"decode: ", bad.says});
  }
  fill(e, EntryPoint::Decode, {{1, 0, 0}, {2, 0, 1}}, {1});
  expectLine(e.execute(EntryPoint::Decode, 0, 0, false).message(),
             {"rows 0, expected 1 to 2"});
  expectLine(e.execute(EntryPoint::Decode, 3, 1, false).message(),
             {"rows 3, expected 1 to 2"});
  expectLine(e.execute(EntryPoint::Decode, 2, 3, false).message(),
             {"logit rows 3"});
  // What was refused has done no harm.
  EXPECT_TRUE(e.execute(EntryPoint::Decode, 2, 1, false).isOk());
}

class Loading : public ::testing::Test {
protected:
  Loading() : tiny(makeTinyPlan()), disk(tiny), backend(cpu()) {}
  void refused(std::initializer_list<std::string_view> says) {
    auto executor = disk.load(*backend);
    ASSERT_FALSE(executor.isOk());
    expectLine(executor.status().message(), says);
  }
  TinyPlan tiny;
  TinyOnDisk disk;
  std::unique_ptr<Backend> backend;
};

TEST_F(Loading, ReportsProgressUpToTheEnd) {
  uint64_t last = 0, all = 0;
  auto executor = Executor::create(
      disk.plan, *backend,
      {disk.directory.path(), [&](uint64_t done, uint64_t total) {
         EXPECT_GT(done, last);
         last = done;
         all = total;
       }});
  ASSERT_TRUE(executor.isOk());
  EXPECT_EQ(last, all);
  EXPECT_EQ(all, tiny.checkpoint.size() - 256);
}

TEST_F(Loading, UsesThePlansOwnFolder) {
  auto executor = Executor::create(disk.plan, *backend, {});
  ASSERT_FALSE(executor.isOk());
  expectLine(executor.status().message(), {"/nowhere"});
}

TEST_F(Loading, RefusesAMissingFile) {
  std::filesystem::remove(disk.directory.file("model.safetensors"));
  refused({"model.safetensors"});
}

TEST_F(Loading, RefusesAFileOfAnotherSize) {
  disk.directory.write("model.safetensors", tiny.checkpoint + "x");
  refused({"model.safetensors: size", "expected",
           "tiny.plan was compiled from another checkpoint"});
}

TEST_F(Loading, RefusesAnotherHeader) {
  std::string other = tiny.checkpoint;
  other[40] = ' ';
  disk.directory.write("model.safetensors", other);
  refused({"model.safetensors: header hash", "another checkpoint"});
}

TEST_F(Loading, RefusesAHeaderBeyondTheFile) {
  std::string other = tiny.checkpoint;
  other[3] = 0x7f;
  disk.directory.write("model.safetensors", other);
  refused({"model.safetensors: header of", "expected"});
}

TEST_F(Loading, RefusesMoreMemoryThanThereIs) {
  tiny = makeTinyPlan();
  fb::BufferT &cache = *tiny.plan.buffers[findBuffer(tiny.plan, "v_cache")];
  cache.bytes = uint64_t{1} << 50;
  tiny.plan.arenas[cache.arena]->bytes = cache.offset + cache.bytes;
  auto plan = plan::Plan::fromBytes(pack(tiny.plan), "huge.plan");
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  auto executor =
      Executor::create(*plan, *backend, {disk.directory.path(), {}});
  ASSERT_FALSE(executor.isOk());
  EXPECT_EQ(executor.status().code(), ErrorCode::OutOfMemory);
  expectLine(executor.status().message(),
             {"huge.plan: arena 'kv'", "1125899906"});
}

TEST(RopeTable, FollowsTheFormula) {
  fb::RopeTableT table;
  table.inverse_frequencies = {1.0f, 0.25f};
  table.scale = 2;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::RopeTable::Pack(builder, &table));
  std::vector<float> cos(4), sin(4);
  makeRopeRows(*flatbuffers::GetRoot<fb::RopeTable>(builder.GetBufferPointer()),
               3, cos, sin);
  const float angles[] = {3, 0.75, 4, 1};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(cos[i], float(std::cos(double(angles[i])) * 2));
    EXPECT_EQ(sin[i], float(std::sin(double(angles[i])) * 2));
  }
}

} // namespace
