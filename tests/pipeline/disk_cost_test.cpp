//===- disk_cost_test.cpp - Predictions with experts on the disk ----------===//
#include "compiler/analysis/planner.h"
#include "tests/pipeline/qwen3_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing::qwen3Shape;
using testing::roundMachine;
using testing::says;
using testing::textOf;

/// What the GPU takes for the expert that arrives last.
constexpr double kLastUs = 10;

/// One read takes as long as four copies, so it matters how many of the missing
/// experts lie on the disk. Of two, by chances of one in two: none takes 2 ms
/// of copies, one 4 of disk and 1 for its copy, two 8 and 1.
TEST(DiskCost, ReadsComeByChance) {
  const Hardware machine = roundMachine();
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  StepPlan plan;
  plan.batch = 1;
  plan.waveBytes = 9437184;
  plan.diskShare = 0.5;
  LayerCost cost = layerCost(layer, {2, 0}, plan, machine);
  EXPECT_NEAR(cost.total, (2000 + 2 * 5000 + 9000) / 4.0 + kLastUs, 0.01);
  EXPECT_NEAR(cost.disk, 4000, 0.01);
  EXPECT_NEAR(cost.misses, 2, 1e-9);
  // Where it is known of each layer: half of them miss two, both on the disk.
  cost = layerCost(layer, {2, 0, {{2, 0, 0.5}, {2, 2, 0.5}}}, plan, machine);
  EXPECT_NEAR(cost.total, (2000 + 9000) / 2.0 + kLastUs, 0.01);
  EXPECT_NEAR(cost.disk, 4000, 0.01);
  // Of very many the mean is near enough: 50 reads and a copy.
  cost = layerCost(layer, {100, 0}, plan, machine);
  EXPECT_NEAR(cost.total, 50 * 4000 + 1000 + kLastUs, 0.01);
  // One that is in memory the CPU computes, in 0.5 ms.
  plan.mode = ExpertMode::Host;
  layer.topK = 1;
  cost = layerCost(layer, {1, 0}, plan, machine);
  EXPECT_NEAR(cost.total,
              (500 + machine.hostToDeviceUs(2048 * 4) + 5000 + kLastUs) / 2,
              0.01);
}

TEST(DiskCost, ChancesAddUp) {
  for (double misses : {0.0, 1.0, 5.0, 8.5, 64.0, 65.0, 300.0})
    for (double share : {0.0, 1e-5, 0.3, 1.0}) {
      double chances = 0, onDisk = 0;
      for (const LayerMisses &one : byDiskChance(misses, share)) {
        EXPECT_EQ(one.misses, misses);
        EXPECT_LE(one.onDisk, misses);
        chances += one.chance;
        onDisk += one.chance * one.onDisk;
      }
      EXPECT_NEAR(chances, 1, 1e-9) << misses << " " << share;
      EXPECT_NEAR(onDisk, misses * share, 0.01) << misses << " " << share;
    }
}

/// What is missed most lives in host memory: the disk has what is left, and
/// what of it comes to stay in slots the replay says.
TEST(DiskCost, TheDiskHasWhatIsMissedLeast) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs;
  inputs.model = qwen3Shape(2);
  inputs.hardware = &machine;
  inputs.mode = ExpertMode::Fetch;
  RoutingEvidence evidence;
  DiskHomes homes;
  ReplayedHits replayed{.active = 8,
                        .layers = {{2, 0, 0.6}, {2, 1, 0.4}},
                        .tokens = 600,
                        .demandsPerSlot = 16};
  evidence.hits = [&](int64_t, int64_t, double, const DiskHomes &disk) {
    homes = disk;
    ReplayedHits hits = replayed;
    if (disk.onDisk.empty())
      hits.layers = {{2, 0, 1}};
    return hits;
  };
  // Of each layer 32 experts are missed three times as often as the others.
  std::vector<std::vector<float>> missed(2, std::vector<float>(128, 0.01f));
  for (std::vector<float> &layer : missed)
    std::fill_n(layer.begin() + 64, 32, 0.03f);
  evidence.missed = [&](int64_t batch, int64_t slots, double hostShare) {
    EXPECT_EQ(batch, 1);
    EXPECT_EQ(slots, 2 * 32);
    EXPECT_EQ(hostShare, 0);
    return missed;
  };
  inputs.evidence = &evidence;
  // Half in host memory: all that are missed often, and as many of the others.
  PlannerReport report = decide(inputs, 1, {2 * 32, 2 * 64});
  EXPECT_NEAR(report.plan.diskShare, 0.2, 1e-9);
  EXPECT_EQ(report.decisions.missed, missed);
  for (int layer : {0, 1})
    for (int expert = 0; expert < 128; ++expert)
      EXPECT_EQ(homes.onDisk[layer * 128 + expert],
                expert >= 32 && (expert < 64 || expert >= 96))
          << layer << " " << expert;
  // A read takes 4 ms, a copy 1.
  EXPECT_NEAR(homes.cost, 5, 1e-6);
  EXPECT_NEAR(report.decisions.diskCost, 5, 1e-6);
  EXPECT_TRUE(says(report, "; on disk each counts 5.0 times"));
  EXPECT_TRUE(says(report, "in host memory           those that the recorded "
                           "tokens miss most"))
      << textOf(report.lines);
  // As far as the replay is believed: a quarter of it, for the rest one in two.
  replayed.demandsPerSlot = 4;
  report = decide(inputs, 1, {2 * 32, 2 * 64});
  EXPECT_NEAR(report.plan.diskShare, 0.25 * 0.2 + 0.75 / 2, 1e-6);
  // Or for the rest as made-up tokens have it, of which the slots hold what the
  // disk has, too.
  RoutingEvidence uniform;
  uniform.hits = [](int64_t, int64_t, double, const DiskHomes &disk) {
    EXPECT_FALSE(disk.onDisk.empty());
    return ReplayedHits{.active = 8, .layers = {{8, 1, 1}}};
  };
  inputs.uniform = &uniform;
  report = decide(inputs, 1, {2 * 32, 2 * 64});
  EXPECT_NEAR(report.plan.diskShare, 0.25 * 0.2 + 0.75 / 8, 1e-6);
  // A quarter of the layers misses two as replayed, of the rest each expert is
  // missing by the same chance: 6 of 8 on average.
  EXPECT_NEAR(report.cost.sum.misses, 2 * (0.25 * 2 + 0.75 * 6), 1e-6);
  // Those may say that the slots hold all that the disk has: still nothing of
  // the rest is left out.
  uniform.hits = [](int64_t, int64_t, double, const DiskHomes &) {
    return ReplayedHits{.active = 8, .layers = {{6, 0, 1}}};
  };
  report = decide(inputs, 1, {2 * 32, 2 * 64});
  EXPECT_NEAR(report.plan.diskShare, 0.25 * 0.2, 1e-6);
  EXPECT_NEAR(report.cost.sum.misses, 2 * (0.25 * 2 + 0.75 * 6), 1e-6);
  EXPECT_NEAR(report.cost.sum.fetched, report.cost.sum.misses, 1e-6);
  inputs.uniform = nullptr;
  // Nothing on the disk, nothing to ask for.
  report = decide(inputs, 1, {2 * 32, 2 * 128});
  EXPECT_EQ(report.plan.diskShare, 0);
  EXPECT_TRUE(homes.onDisk.empty());
  EXPECT_TRUE(report.decisions.missed.empty());
  EXPECT_EQ(report.decisions.diskCost, 1);
  EXPECT_FALSE(says(report, "in host memory"));
  // Nobody knows what is missed: the likeliest are in host memory, and of equal
  // ones the first of each layer.
  evidence.missed = nullptr;
  report = decide(inputs, 1, {2 * 32, 2 * 64});
  EXPECT_EQ(std::count(homes.onDisk.begin(), homes.onDisk.begin() + 64, 1), 0);
  EXPECT_EQ(std::count(homes.onDisk.begin(), homes.onDisk.end(), 1), 2 * 64);
  EXPECT_TRUE(says(report, "in host memory           the likeliest"));
}

/// Without a recording made-up tokens say what of the disk stays in slots, also
/// where the CPU computes whatever it can; without a disk nobody asks them.
TEST(DiskCost, UniformTokensStandForARecording) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs;
  inputs.model = qwen3Shape(2);
  inputs.hardware = &machine;
  RoutingEvidence uniform;
  int asked = 0;
  uniform.hits = [&](int64_t, int64_t, double hostShare, const DiskHomes &) {
    ++asked;
    ReplayedHits hits{
        .active = 8, .layers = {{3, 0, 0.625}, {3, 1, 0.375}}, .tokens = 99};
    hits.demandsPerSlot = ReplayedHits::kEnoughDemands;
    EXPECT_EQ(hostShare, inputs.mode == ExpertMode::Host ? 1 : 0);
    return hits;
  };
  inputs.uniform = &uniform;
  for (ExpertMode mode : {ExpertMode::Fetch, ExpertMode::Host}) {
    inputs.mode = mode;
    const PlannerReport report = decide(inputs, 1, {2 * 32, 2 * 64});
    EXPECT_EQ(report.plan.diskShare, 0.125);
    EXPECT_NEAR(report.cost.sum.misses, 2 * 3, 1e-9);
    EXPECT_TRUE(says(report, "if all experts are used alike (no --routing)"))
        << textOf(report.lines);
  }
  EXPECT_EQ(asked, 2);
  decide(inputs, 1, {2 * 32, 2 * 128});
  EXPECT_EQ(asked, 2);
}

} // namespace
} // namespace sluice
