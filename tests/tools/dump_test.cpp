//===- dump_test.cpp - What sluice-dump says of experts that move ---------===//

#include "tests/runtime/plan/tiny_model.h"
#include "tools/sluice-dump/dump.h"
#include "tools/sluice-dump/experts.h"

#include <gtest/gtest.h>
#include <sstream>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::shared_ptr<const plan::Plan> open(const fb::PlanT &plan) {
  auto opened = plan::Plan::fromBytes(pack(plan), "tiny.plan");
  EXPECT_TRUE(opened.isOk()) << opened.status().message();
  return *opened;
}

std::string expertsOf(const fb::PlanT &plan) {
  std::ostringstream out;
  tools::printExperts(out, *open(plan));
  return out.str();
}

TEST(Dump, SaysNothingOfExpertsThatAreAllResident) {
  EXPECT_EQ(expertsOf(makeTinyPlan().plan), "");
}

TEST(Dump, SaysWhereExpertsLive) {
  fb::PlanT plan = makeTinyDynamicPlan().plan;
  plan.predicted_step_ms = 1.5f;
  EXPECT_EQ(expertsOf(plan), R"(
experts split, policy lru, predicted 1.500 ms a decode step
  pool 0: 3 slots of 1.00 KiB for 8 experts, waves of 800 B; host 4 in 4.00 KiB; disk 4 through 2 images
  layer 0, pool 0: 4 experts, top 2: 2 host, 2 disk; 1 resident (0); popularity
  layer 1, pool 0: 4 experts, top 2: 2 host, 2 disk; 1 resident (1); popularity; 2 successors
)");
}

TEST(Dump, GathersLayersThatAreAlike) {
  TinyExperts experts;
  experts.slots = 40;
  experts.waveBytes = 0;
  experts.split = false;
  experts.policy = 3;
  experts.homes = {fb::Home::Host};
  experts.resident.assign(5, {3, 0, 1});
  fb::PlanT plan = makeTinyDynamicPlan({.layers = 5}, experts).plan;
  EXPECT_EQ(expertsOf(plan), R"(
experts fetch, policy next_use
  pool 0: 40 slots of 1.00 KiB for 20 experts, one wave; host 20 in 20.00 KiB; disk 0
  layer 0, pool 0: 4 experts, top 2: 4 host, 0 disk; 3 resident (0-1,3); popularity
  layers 1-4, pool 0: 4 experts, top 2: 4 host, 0 disk; 3 resident (0-1,3); popularity; 2 successors
)");
}

TEST(Dump, NamesEveryInstructionOfALayer) {
  TinyExperts experts;
  experts.parts = 2;
  std::ostringstream out;
  tools::printInstructions(
      out, *open(makeTinyDynamicPlan({.layers = 2}, experts).plan));
  const std::string text = out.str();
  size_t at = 0;
  for (const char *line :
       {"graph 0 {", "route", "} graph 0", "expert_demand L0 e1",
        "expert_split L0 0.5", "expert_fetch L0", "expert_run_host L0",
        "expert_run L0", "expert_join L0", "expert_release L0",
        "expert_demand L0 part 1 e2", "expert_release L0 part 1",
        "expert_prefetch L1 at most 1", "expert_demand L1"}) {
    at = text.find(line, at);
    ASSERT_NE(at, std::string::npos) << line << " in:\n" << text;
  }
}

TEST(Dump, WritesPoolsBanksAndInstructionsAsJson) {
  std::ostringstream out;
  ASSERT_TRUE(tools::printJson(out, *open(makeTinyDynamicPlan().plan)).isOk());
  const std::string text = out.str();
  for (const char *part :
       {"\"expert_pools\"", "\"slot_bytes\": 1024", "\"expert_banks\"",
        "\"homes\"", "\"successors\"", "\"ExpertDemand\"", "\"ExpertSplit\"",
        "\"ExpertFetch\"", "\"ExpertRunHost\"", "\"ExpertRun\"",
        "\"ExpertJoin\"", "\"ExpertRelease\"", "\"ExpertPrefetch\"",
        "\"GraphBegin\"", "\"GraphEnd\"", "\"policy\": 0"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
}

} // namespace
