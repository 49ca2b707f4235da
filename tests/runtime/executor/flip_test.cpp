//===- flip_test.cpp - A bit flipped anywhere never crashes ---------------===//
//
// Flips random bits of a plan. Most are refused; those that are not (a scalar,
// a name, an offset of a weight) must still load and run without touching
// memory that is not theirs: guard bytes and, in sanitizer builds, ASan watch.
// SLUICE_FLIP_PLAN names another plan to flip, with its checkpoint in place.
//
//===----------------------------------------------------------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "tests/runtime/executor/run_tiny.h"

#include <cstdlib>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// The inputs at the far end of every limit the (flipped) plan states.
void runToItsLimits(Executor &executor, EntryPoint entry) {
  const fb::Plan &plan = executor.plan().get();
  const fb::Model &model = *plan.model();
  for (const fb::Entry *limits : *plan.entries()) {
    bool isPrefill = limits->name()->string_view() == "prefill";
    if (isPrefill != (entry == EntryPoint::Prefill))
      continue;
    std::vector<Row> rows;
    std::vector<int32_t> logitRows;
    for (uint32_t i = 0; i < limits->max_rows(); ++i)
      rows.push_back({int32_t(model.vocab() - 1),
                      int32_t(i % 2 ? model.max_positions() - 1 : 0),
                      int32_t(i % model.max_sequences())});
    for (uint32_t i = 0; i < limits->max_logit_rows(); ++i)
      logitRows.push_back(int32_t(rows.size() - 1));
    fill(executor, entry, rows, logitRows);
    Status status =
        executor.execute(entry, rows.size(), logitRows.size(), true);
    EXPECT_TRUE(status.isOk()) << status.message();
  }
}

struct Outcome {
  int refused = 0, notLoaded = 0, ran = 0;
};

void flipAndRun(const std::vector<uint8_t> &good, const std::string &modelDir,
                uint64_t bit, bool run, Outcome &outcome) {
  std::vector<uint8_t> bytes = good;
  bytes[bit / 8] ^= uint8_t(1 << bit % 8);
  auto plan = plan::Plan::fromBytes(std::move(bytes), "flipped.plan");
  if (!plan) {
    ++outcome.refused;
    expectLine(plan.status().message(), {"flipped.plan: "});
    return;
  }
  if (!run)
    return;
  // One thread: the flip decides what runs, not how it is shared out.
  auto backend = makeCpuBackend({1, 256});
  auto executor = Executor::create(*plan, **backend, {modelDir, {}});
  if (!executor) {
    ++outcome.notLoaded;
    return;
  }
  runToItsLimits(**executor, EntryPoint::Prefill);
  runToItsLimits(**executor, EntryPoint::Decode);
  EXPECT_TRUE((*backend)->checkGuards().isOk()) << "bit " << bit;
  ++outcome.ran;
}

// Sanitizers take ten times as long for each.
#ifdef SLUICE_SANITIZED
constexpr int kFlips = 4000;
#else
constexpr int kFlips = 10000;
#endif

void flipThousands(const TinyPlan &tiny) {
  TinyOnDisk disk(tiny);
  std::vector<uint8_t> good(disk.plan->data(),
                            disk.plan->data() + disk.plan->size());
  std::mt19937_64 random(2026);
  Outcome outcome;
  // Every accepted plan could be run; every fourth keeps the test short.
  for (int i = 0; i < kFlips; ++i)
    flipAndRun(good, disk.directory.path(), random() % (good.size() * 8),
               i % 4 == 0, outcome);
  ::testing::Test::RecordProperty("refused", outcome.refused);
  ::testing::Test::RecordProperty("ran", outcome.ran);
  // Both must occur, or the test tests nothing.
  EXPECT_GT(outcome.refused, kFlips / 2);
  EXPECT_GT(outcome.ran, kFlips / 100);
}

TEST(Flips, ThousandsOfATinyPlan) { flipThousands(makeTinyPlan()); }

TEST(Flips, ThousandsOfAPlanThatMovesExperts) {
  flipThousands(makeTinyDynamicPlan());
}

TEST(Flips, ThousandsOfTheNamedPlan) {
  const char *path = std::getenv("SLUICE_FLIP_PLAN");
  if (!path) {
    std::fprintf(stderr, "SLUICE_FLIP_PLAN is not set: only the plan written "
                         "by hand is flipped\n");
    return;
  }
  auto plan = plan::Plan::open(path);
  ASSERT_TRUE(plan.isOk()) << plan.status().message();
  std::vector<uint8_t> good((*plan)->data(), (*plan)->data() + (*plan)->size());
  std::mt19937_64 random(2027);
  Outcome outcome;
  // Each accepted plan could be run, but a sample keeps the test short.
  for (int i = 0; i < 10000; ++i)
    flipAndRun(good, "", random() % (good.size() * 8), i % 400 == 0, outcome);
  EXPECT_GT(outcome.refused, 2000);
  EXPECT_GT(outcome.ran, 0);
}

} // namespace
