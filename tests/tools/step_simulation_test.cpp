//===- step_simulation_test.cpp - A decode step in virtual time -----------===//

#include "tools/sluice-dump/simulate.h"

#include "tests/runtime/plan/tiny_model.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::testing;
using namespace sluice::tools;

namespace {

std::shared_ptr<const plan::Plan> open(const TinyPlan &tiny) {
  auto plan = plan::Plan::fromBytes(pack(tiny.plan), "tiny.plan");
  EXPECT_TRUE(plan.isOk()) << plan.status().message();
  return *plan;
}

StepTrace simulate(const TinyPlan &tiny, const SimulatedStep &step = {}) {
  auto trace = simulateStep(open(tiny), step);
  EXPECT_TRUE(trace.isOk()) << trace.status().message();
  return trace ? std::move(*trace) : StepTrace();
}

size_t countOn(const StepTrace &trace, StreamKind stream) {
  return size_t(std::count_if(
      trace.spans.begin(), trace.spans.end(),
      [&](const TraceSpan &span) { return span.stream == stream; }));
}

// The checkpoint of these plans is nowhere: nothing may read it.
TEST(StepSimulation, AStaticPlan) {
  StepTrace trace = simulate(makeTinyPlan());
  EXPECT_NE(trace.title.find("tiny, 2 rows behind 31 tokens"),
            std::string::npos)
      << trace.title;
  EXPECT_GT(countOn(trace, StreamKind::Compute), 10u);
  EXPECT_EQ(countOn(trace, StreamKind::Demand), 5u) << "the step's inputs";
  EXPECT_EQ(countOn(trace, StreamKind::CopyBack), 1u) << "the logits";
}

TEST(StepSimulation, IsTheSameEveryTime) {
  StepTrace once = simulate(makeTinyPlan()), again = simulate(makeTinyPlan());
  ASSERT_EQ(once.spans.size(), again.spans.size());
  for (size_t i = 0; i < once.spans.size(); ++i) {
    EXPECT_EQ(once.spans[i].startUs, again.spans[i].startUs);
    EXPECT_EQ(once.spans[i].endUs, again.spans[i].endUs);
  }
}

TEST(StepSimulation, RefusesRowsAndRoutingThatDoNotFit) {
  auto says = [](const SimulatedStep &step, const TinyPlan &tiny,
                 const char *part) {
    auto trace = simulateStep(open(tiny), step);
    ASSERT_FALSE(trace.isOk()) << part;
    EXPECT_NE(trace.status().message().find(part), std::string_view::npos)
        << trace.status().message();
  };
  says({.rows = 3}, makeTinyPlan(), "--rows is 3, expected at most 2");
  says({.hardware = "/nowhere/hw.json"}, makeTinyPlan(), "/nowhere/hw.json");
}

} // namespace
