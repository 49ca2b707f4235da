//===- step_simulation_test.cpp - A decode step in virtual time -----------===//

#include "tools/sluice-dump/simulate.h"

#include "tests/runtime/plan/tiny_model.h"
#include "tools/sluice-dump/schedule.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <sstream>

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

TEST(StepSimulation, APlanWhoseExpertsMove) {
  StepTrace trace = simulate(makeTinyDynamicPlan());
  size_t experts = 0, runs = 0;
  for (const TraceSpan &span : trace.spans) {
    if (span.stream != kDiskTrack && span.bytes > 0 && span.label.expert >= 0) {
      ++experts;
      EXPECT_TRUE(span.stream == StreamKind::Demand ||
                  span.stream == StreamKind::Prefetch);
    }
    runs += std::string_view(span.label.name) == "expert_gate_up";
  }
  EXPECT_GT(experts, 0u) << "3 slots for 8 experts";
  EXPECT_GT(runs, 0u);

  std::ostringstream drawing;
  drawSchedule(drawing, trace.spans, {trace.title, 60, -1});
  EXPECT_NE(drawing.str().find("\ncompute   "), std::string::npos);
  EXPECT_NE(drawing.str().find("= expert copy"), std::string::npos);
  drawing.str("");
  drawSchedule(drawing, trace.spans, {trace.title, 60, 1});
  EXPECT_NE(drawing.str().find("expert_gate_up L1"), std::string::npos)
      << drawing.str();
}

/// Every expert lies on the disk, behind a ring of two places. The disk of the
/// built-in machine reads 1.5 GB/s: an expert of 768 bytes in 0.512 us.
TEST(StepSimulation, APlanWhoseExpertsAreReadFromDisk) {
  const StepTrace trace =
      simulate(makeTinyDynamicPlan({.layers = 2}, {.split = false,
                                                   .prefetch = 0,
                                                   .homes = {fb::Home::Disk},
                                                   .resident = {}}));
  std::vector<TraceSpan> reads, copies;
  for (const TraceSpan &span : trace.spans) {
    if (span.stream == kDiskTrack)
      reads.push_back(span);
    if (span.stream == StreamKind::Demand && span.label.expert >= 0)
      copies.push_back(span);
  }
  ASSERT_GE(reads.size(), 3u) << "3 slots for 8 experts";
  ASSERT_EQ(copies.size(), reads.size());
  for (size_t i = 0; i < reads.size(); ++i) {
    EXPECT_EQ(reads[i].bytes, 768u);
    EXPECT_NEAR(reads[i].endUs - reads[i].startUs, 0.512, 1e-9);
    EXPECT_EQ(reads[i].label.expert, copies[i].label.expert);
    EXPECT_EQ(reads[i].label.layer, copies[i].label.layer);
    EXPECT_GE(copies[i].startUs, reads[i].endUs) << "what is not there yet";
    if (i >= 1) {
      EXPECT_GE(reads[i].startUs, reads[i - 1].endUs) << "one at a time";
    }
    if (i >= 2) {
      EXPECT_GE(reads[i].startUs, copies[i - 2].endUs) << "no place is free";
    }
  }
  std::ostringstream drawing;
  drawSchedule(drawing, trace.spans, {trace.title, 60, -1});
  EXPECT_NE(drawing.str().find("\ndisk   "), std::string::npos)
      << drawing.str();
}

TEST(StepSimulation, IsTheSameEveryTime) {
  StepTrace once = simulate(makeTinyDynamicPlan()),
            again = simulate(makeTinyDynamicPlan());
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
  says({.routing = "dice"}, makeTinyDynamicPlan(), "dice");
  says({.routing = "model"}, makeTinyDynamicPlan(),
       "expected --routing replay:FILE");
  says({.hardware = "/nowhere/hw.json"}, makeTinyPlan(), "/nowhere/hw.json");
}

} // namespace
