//===- host_experts_test.cpp - Experts of few rows on the CPU -------------===//

#include "compiler/analysis/host_experts.h"
#include "tests/pipeline/qwen3_shape.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::planOf;
using testing::qwen3Shape;
using testing::roundMachine;

/// Half of the missing experts serve one row, a quarter two and a quarter four,
/// which take the host 500, 1000 and 2000 us: it is given the first ones first.
/// Of half of them and a third of the next quarter both end together, 333 us
/// for each that is missing, where all alike would take 1000 each and it a
/// half.
TEST(HostExperts, TheHostTakesThoseOfFewestRows) {
  Hardware machine = roundMachine();
  const double bus = 9437184 / 1e6; // GB/s
  machine.hostExpert = {{{1, 2 * bus}, {2, bus}, {4, bus / 2}}, "t"};
  machine.hostRead.value = 1e6;
  machine.shared = {};
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  ExpertLoad load{.active = 8, .rows = {0, 0.5, 0.25, 0, 0.25}};
  const HostExperts host(layer, load, 1, machine);
  EXPECT_DOUBLE_EQ(host.us(0), 0);
  EXPECT_NEAR(host.us(0.25), 125, 1e-9);
  EXPECT_NEAR(host.us(0.5), 250, 1e-9);
  EXPECT_NEAR(host.us(0.75), 500, 1e-9);
  EXPECT_NEAR(host.us(1), 1000, 1e-9);
  EXPECT_NEAR(host.rows(0.75), 1, 1e-12);
  EXPECT_NEAR(host.rows(1), 2, 1e-12);
  EXPECT_NEAR(host.eachUs(0.75), 500 / 0.75, 1e-9);
  // 250 + 1000 x = 1000 (0.5 - x).
  EXPECT_NEAR(host.balancedShare(1000), 0.625, 1e-6);
  // A step says the same: of 8 five, and both end together.
  StepPlan plan = planOf(1, 0);
  plan.mode = ExpertMode::Split;
  const LayerCost cost = layerCost(layer, load, plan, machine);
  EXPECT_NEAR(cost.fetched, 3, 0.05);
  EXPECT_NEAR(cost.host, 3000, 50);
  load.rows.clear();
  layer.topK = 16; // Two rows each, on average as above.
  EXPECT_NEAR(layerCost(layer, load, plan, machine).fetched, 4, 0.05);
}

/// Rows of the missing experts, without and with popularity.
TEST(HostExperts, LoadsSayTheRows) {
  ModelShape model = qwen3Shape(1);
  LayerShape &layer = model.layers[0];
  layer.experts = 4;
  layer.topK = 1;
  StepPlan plan = planOf(2, 0);
  std::vector<ExpertLoad> loads = expertLoads(model, plan, nullptr);
  // Each of two rows uses one of four: 6/16 one of them, 1/16 both.
  ASSERT_EQ(loads[0].rows.size(), 3u);
  EXPECT_NEAR(loads[0].rows[1], 6.0 / 7, 1e-9);
  EXPECT_NEAR(loads[0].rows[2], 1.0 / 7, 1e-9);
  // The likeliest is kept, and the others serve as many rows as they are used.
  RoutingStatistics routing(1);
  routing[0].layer = layer.layer;
  routing[0].popularity = {0.7f, 0.1f, 0.1f, 0.1f};
  plan.slots = 1;
  loads = expertLoads(model, plan, &routing);
  EXPECT_NEAR(loads[0].rows[1], 0.18 / 0.19, 1e-6);
  EXPECT_NEAR(loads[0].rows[2], 0.01 / 0.19, 1e-6);
}

} // namespace
} // namespace sluice
