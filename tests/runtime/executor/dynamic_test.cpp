//===- dynamic_test.cpp - Moving experts changes no bit -------------------===//

#include "tests/runtime/executor/run_dynamic.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

class Dynamic : public ::testing::Test {
protected:
  static void SetUpTestSuite() { expected = staticLogits(dynamicModel()); }

  /// Loads and runs; the logits must be those of the plan that moves nothing.
  void check(const TinyExperts &experts, const std::string &policy = "") {
    TinyOnDisk disk(makeTinyDynamicPlan(dynamicModel(), experts));
    auto backend = makeCpuBackend({2, 512});
    LoadOptions options{.modelDir = disk.directory.path(), .progress = {}};
    options.policy = policy;
    auto executor = Executor::create(disk.plan, **backend, options);
    ASSERT_TRUE(executor.isOk()) << executor.status().message();
    EXPECT_EQ(runSteps(**executor), expected);
    counters = (*executor)->expertCounters();
    EXPECT_TRUE((*backend)->checkGuards().isOk());
  }

  static inline std::vector<std::vector<float>> expected;
  experts::Counters counters;
};

TEST_F(Dynamic, FromHostMemory) {
  TinyExperts experts = plainExperts();
  experts.slots = 8;
  experts.homes = {fb::Home::Host};
  check(experts);
  EXPECT_GT(counters.hits, 0u);
  EXPECT_GT(counters.misses, 0u);
}

TEST_F(Dynamic, AnyNumberOfSlots) {
  for (uint32_t slots : {2, 3, 4, 5, 7, 8, 12, 24})
    for (const auto &homes :
         {std::vector{fb::Home::Host}, std::vector{fb::Home::Disk},
          std::vector{fb::Home::Host, fb::Home::Disk, fb::Home::Disk}}) {
      SCOPED_TRACE(std::to_string(slots) + " slots, " +
                   std::to_string(homes.size()) + " homes from " +
                   fb::EnumNameHome(homes[0]));
      TinyExperts experts = plainExperts();
      experts.slots = slots;
      experts.homes = homes;
      check(experts);
    }
}

} // namespace
