//===- seeds_test.cpp - What the plan fuzzer starts from ------------------===//
//
// A seed of an older version would be refused at its first bytes, and the
// fuzzer would find nothing. SLUICE_WRITE_SEEDS=1 writes the seeds anew.
//
//===----------------------------------------------------------------------===//

#include "runtime/plan/plan.h"
#include "tests/runtime/plan/tiny_model.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::testing;

TEST(Seeds, AreValidPlans) {
  const std::string folder = SLUICE_SOURCE_DIR "/tests/fuzz/seeds/plan_fuzz/";
  TinyModel one{.experts = 1, .topK = 1};
  // Small seeds are fast seeds, but every instruction is in the second.
  const std::pair<std::string, fb::PlanT> seeds[] = {
      {"one_expert", makeTinyPlan(one).plan},
      {"experts_that_move", makeTinyDynamicPlan().plan}};
  for (const auto &[name, plan] : seeds) {
    if (std::getenv("SLUICE_WRITE_SEEDS")) {
      std::vector<uint8_t> bytes = pack(plan);
      std::ofstream(folder + name, std::ios::binary)
          .write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    }
    auto opened = plan::Plan::open(folder + name);
    EXPECT_TRUE(opened.isOk())
        << opened.status().message() << "; SLUICE_WRITE_SEEDS=1 writes it anew";
  }
}
