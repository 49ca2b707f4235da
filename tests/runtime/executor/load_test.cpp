//===- load_test.cpp - How weights come to the device ---------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/core/fault.h"
#include "tests/runtime/executor/run_tiny.h"

#include <cmath>

namespace sluice::testing {
namespace {

const std::vector<Row> kRows = {{3, 0, 0}, {7, 1, 0}, {11, 0, 1}};

/// The logits of a plan whose weights are made up: there is no checkpoint.
std::vector<float> madeUp(const TinyPlan &tiny, unsigned threads) {
  auto plan = plan::Plan::fromBytes(pack(tiny.plan), "tiny.plan");
  EXPECT_TRUE(plan.isOk()) << plan.status().message();
  auto backend = makeCpuBackend({2, 512});
  uint64_t last = 0, all = 1;
  LoadOptions options{.modelDir = "/nowhere"};
  options.synthetic = true;
  options.threads = threads;
  options.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    last = done;
    all = total;
  };
  auto executor = Executor::create(*plan, **backend, options);
  EXPECT_TRUE(executor.isOk()) << executor.status().message();
  if (!executor)
    return {};
  EXPECT_EQ(last, all);
  std::vector<float> logits =
      step(**executor, EntryPoint::Prefill, kRows, {1, 2});
  EXPECT_TRUE((*backend)->checkGuards().isOk());
  return logits;
}

TEST(Load, WeightsMadeUpAreTheSameHoweverTheyMove) {
  TinyModel model{.layers = 2};
  std::vector<float> resident = madeUp(makeTinyPlan(model), 1);
  EXPECT_EQ(madeUp(makeTinyPlan(model), 5), resident);
  EXPECT_EQ(madeUp(makeTinyDynamicPlan(model), 3), resident);
  bool different = false;
  for (float logit : resident) {
    EXPECT_TRUE(std::isfinite(logit));
    different = different || logit != resident[0];
  }
  EXPECT_TRUE(different);
}

TEST(Load, ABrokenDiskIsNamedWithTheTensor) {
  TinyOnDisk disk(makeTinyPlan());
  for (unsigned threads : {1u, 4u}) {
    auto backend = makeCpuBackend({1, 0});
    LoadOptions options{.modelDir = disk.directory.path()};
    options.threads = threads;
    setFaults("read");
    auto executor = Executor::create(disk.plan, **backend, options);
    setFaults("");
    ASSERT_FALSE(executor.isOk());
    EXPECT_EQ(executor.status().code(), ErrorCode::Io);
    expectLine(executor.status().message(),
               {"model.safetensors: cannot read at byte", "wanted for '"});
  }
}

} // namespace
} // namespace sluice::testing
