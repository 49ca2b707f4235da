//===- cost_model_test.cpp - Times of steps by hand -----------------------===//
#include "compiler/analysis/cost_model.h"
#include "compiler/analysis/host_experts.h"
#include "tests/pipeline/qwen3_shape.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice {
namespace {

using testing::linear;
using testing::planOf;
using testing::qwen3Shape;
using testing::roundMachine;

TEST(CostModel, RooflineOfOneLaunch) {
  Hardware machine = roundMachine();
  machine.deviceBandwidth.value = 1000; // 1e6 bytes in 1 us
  machine.vectorTflops.value = 1;
  machine.launchUs.value = 3;
  machine.graphNodeUs.value = 0.5;
  OpShape op = linear(1000, 500); // 1e6 bytes of weights, 1e6 flops a row
  op.rowBytes = 0;
  EXPECT_DOUBLE_EQ(opUs(op, 1, 0, true, machine), 1.5); // bytes and flops
  EXPECT_DOUBLE_EQ(opUs(op, 1, 0, false, machine), 4);  // no graph
  EXPECT_DOUBLE_EQ(opUs(op, 8, 0, true, machine), 8.5); // flops
  op.contextBytes = 1000;
  EXPECT_DOUBLE_EQ(opUs(op, 1, 3000, true, machine), 4.5); // 4e6 bytes
  // A measured time replaces all of it.
  machine.kernels.push_back(
      {Kernel::Linear, Arithmetic::Portable, {1000, 500}, 1, 0, 2.25});
  op.contextBytes = 0;
  EXPECT_DOUBLE_EQ(opUs(op, 1, 0, true, machine), 2.25);
  EXPECT_DOUBLE_EQ(opUs(op, 1, 0, false, machine), 3); // launches set the pace
}

TEST(CostModel, LoadsOfEvenRouting) {
  ModelShape model = qwen3Shape();
  // A quarter of 48 * 128 experts has a slot: so has a quarter of each layer.
  std::vector<ExpertLoad> loads =
      expertLoads(model, planOf(1, 48 * 32), nullptr);
  ASSERT_EQ(loads.size(), 48u);
  for (const ExpertLoad &load : loads) {
    EXPECT_NEAR(load.active, 8, 1e-9);
    EXPECT_NEAR(load.hits, 2, 1e-9);
  }
  loads = expertLoads(model, planOf(16, 0), nullptr);
  EXPECT_NEAR(loads[3].misses(), 82.42251, 1e-4);
  StepPlan replayed = planOf(1, 100);
  replayed.load = ExpertLoad{8, 6};
  EXPECT_EQ(expertLoads(model, replayed, nullptr)[47], *replayed.load);
}

/// Two layers of four experts, one a token: the likeliest of both stay.
TEST(CostModel, LoadsOfRecordedRouting) {
  ModelShape model = qwen3Shape(2);
  for (LayerShape &layer : model.layers) {
    layer.experts = 4;
    layer.topK = 1;
  }
  const RoutingStatistics routing = {{0, {0.7F, 0.1F, 0.1F, 0.1F}, {}, 0},
                                     {1, {0.4F, 0.3F, 0.2F, 0.1F}, {}, 0}};
  std::vector<ExpertLoad> loads = expertLoads(model, planOf(1, 3), &routing);
  EXPECT_NEAR(loads[0].hits, 0.7, 1e-6);
  EXPECT_NEAR(loads[1].hits, 0.7, 1e-6);
  EXPECT_NEAR(loads[0].active, 1, 1e-6);
  // Four more of the same chance for two slots: half of each.
  loads = expertLoads(model, planOf(1, 6), &routing);
  EXPECT_NEAR(loads[0].hits, 0.7 + 3 * 0.1 / 2, 1e-6);
  EXPECT_NEAR(loads[1].hits, 0.9 + 0.1 / 2, 1e-6);
}

/// An expert: 1 ms of bus, 10 us of GPU. Nothing in slots, one row: 8 ms of
/// copies, and the last wave's 10 us.
TEST(CostModel, FetchIsBoundByTheBus) {
  const Hardware machine = roundMachine();
  ModelShape model = qwen3Shape(1);
  model.layers[0].before.clear();
  model.head.clear();
  StepCost cost = stepCost(model, planOf(1, 0), nullptr, machine);
  EXPECT_NEAR(cost.totalUs, 8010, 0.01);
  EXPECT_STREQ(cost.bound, "bus");
  EXPECT_NEAR(cost.missedBytes, 8 * 9437184, 1);
  // Half of the experts in slots: half of the copies.
  EXPECT_NEAR(stepCost(model, planOf(1, 64), nullptr, machine).totalUs, 4010,
              0.01);
  // Everything resident: 8 experts of 10 us.
  StepPlan resident = planOf(1, 128);
  resident.resident = true;
  EXPECT_NEAR(stepCost(model, resident, nullptr, machine).totalUs, 80, 0.01);
  // On the disk: 4 ms each, and the copy of the one that is read last.
  StepPlan disk = planOf(1, 0);
  disk.diskShare = 1;
  cost = stepCost(model, disk, nullptr, machine);
  EXPECT_NEAR(cost.totalUs, 33010, 0.01);
  EXPECT_STREQ(cost.bound, "disk");
}

/// What the GPU takes for the expert that arrives last, and the bus for the
/// results of one that the host computed.
constexpr double kLastUs = 10;
double resultUs(const Hardware &machine) {
  return machine.hostToDeviceUs(2048 * 4);
}

/// Experts of one row beside copies that alone reach `busAlone` GB/s.
SharedMemory sharedByOneRow(double busAlone, HostRates both) {
  return {{{1, both}}, busAlone, "t"};
}

/// The host's share where all experts serve so many rows.
double balancedShare(const LayerShape &layer, double rows,
                     const Hardware &machine) {
  const ExpertLoad load{.active = static_cast<double>(layer.topK)};
  return HostExperts(layer, load, rows, machine)
      .balancedShare(
          machine.hostToDeviceUs(static_cast<double>(layer.expertBytes)));
}

/// Bus 1 ms, host 0.5 ms an expert: the host takes 1 / (1 + 0.5) = 2/3. Of 9
/// missing experts six, three milliseconds both, and so much more of one that
/// both end together with what comes behind them.
TEST(CostModel, SplitEndsTogether) {
  const Hardware machine = roundMachine();
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  layer.topK = 9;
  StepPlan plan = planOf(1, 0);
  plan.mode = ExpertMode::Split;
  plan.hostShare = 2.0 / 3;
  const ExpertLoad load{9, 0};
  auto onHost = [&](double missing) { // 500 x + x result = 1000 (m - x) + last
    return (1000 * missing + kLastUs) / (1500 + resultUs(machine));
  };
  LayerCost cost = layerCost(layer, load, plan, machine);
  EXPECT_NEAR(onHost(9), 6, 0.01);
  EXPECT_NEAR(cost.host, onHost(9) * 500, 0.01);
  EXPECT_NEAR(cost.bus, (9 - onHost(9)) * 1000, 0.01);
  EXPECT_NEAR(cost.fetched, 9 - onHost(9), 1e-6);
  EXPECT_NEAR(cost.total, cost.bus + kLastUs, 0.01);
  plan.mode = ExpertMode::Host;
  EXPECT_NEAR(layerCost(layer, load, plan, machine).host, 4500, 0.01);
  // Seven missing: four on the host would leave 3 copies beside 2000 us, five 2
  // beside 2500. The bus takes a third of the fifth over.
  const ExpertLoad seven{7, 0};
  layer.topK = 7;
  plan.mode = ExpertMode::Split;
  cost = layerCost(layer, seven, plan, machine);
  EXPECT_NEAR(onHost(7), 4 + 2 / 3.0, 0.01);
  EXPECT_NEAR(cost.host, onHost(7) * 500, 0.01);
  EXPECT_NEAR(cost.bus, (7 - onHost(7)) * 1000, 0.01);
  EXPECT_NEAR(cost.fetched, 7 - onHost(7), 1e-6);
  // Two experts on a host that is hardly worth it: of each it takes two thirds
  // at least, as only down projections go over.
  Hardware slow = machine;
  slow.hostExpert.points = {{1, 9437184 / 1e6 / 6}}; // 6 ms
  layer.topK = 2;
  cost = layerCost(layer, {2, 0}, plan, slow);
  EXPECT_EQ(cost.host, 0);
  EXPECT_NEAR(cost.bus, 2000, 0.01);
  // One alone is not shared.
  const ExpertLoad single{1, 0};
  layer.topK = 1;
  cost = layerCost(layer, single, plan, machine);
  EXPECT_EQ(cost.fetched, 0);
  EXPECT_NEAR(cost.host, 500, 0.01);
  layer.topK = 7;
  // An expert on the disk cannot be computed where it lies.
  plan.mode = ExpertMode::Host;
  plan.diskShare = 1;
  cost = layerCost(layer, seven, plan, machine);
  EXPECT_EQ(cost.host, 0);
  EXPECT_NEAR(cost.disk, 28000, 0.01);
}

/// Both alone would read 1.5 times what the memory gives: while both run, bus
/// and host take 4/3 as long for an expert, 1333 and 667 us. The bus ends
/// first, by what comes behind it, and the host is alone that long.
TEST(CostModel, BusAndHostShareMemory) {
  Hardware machine = roundMachine();
  const double bus = 9437184 / 1e6, host = 2 * bus; // GB/s
  machine.hostRead.value = 0.75 * (bus + host);
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  layer.topK = 9;
  EXPECT_NEAR(balancedShare(layer, 1, machine), 2.0 / 3, 1e-6);
  StepPlan plan = planOf(1, 0);
  plan.mode = ExpertMode::Split;
  LayerCost cost = layerCost(layer, {9, 0}, plan, machine);
  // What the host gets done beside b us of the bus's own: 3/4 of 4/3 b.
  auto onHost = [&](double missing, double beside) {
    return (beside * 1000 * missing + kLastUs) /
           (500 + beside * 1000 + resultUs(machine));
  };
  auto lead = [&](double host) { return kLastUs - host * resultUs(machine); };
  for (double missing : {9, 7}) { // Six, and four and two thirds.
    layer.topK = static_cast<int64_t>(missing);
    const double host = onHost(missing, 1);
    EXPECT_NEAR(host, missing * 2 / 3, 0.01);
    cost = layerCost(layer, {missing, 0}, plan, machine);
    EXPECT_NEAR(cost.fetched, missing - host, 1e-6);
    EXPECT_NEAR(cost.bus, (missing - host) * 4000 / 3, 0.01);
    EXPECT_NEAR(cost.host, cost.bus + lead(host), 0.01);
  }
  // Measured: the bus keeps its rate, the host falls to three fifths of its
  // own, 833 us an expert. Of nine 4.9.
  machine.shared = sharedByOneRow(bus, {bus, 0.6 * host});
  layer.topK = 9;
  EXPECT_NEAR(balancedShare(layer, 1, machine), 1.2 / 2.2, 1e-6);
  cost = layerCost(layer, {9, 0}, plan, machine);
  EXPECT_NEAR(onHost(9, 0.6), 4.914, 1e-3);
  EXPECT_NEAR(cost.bus, (9 - onHost(9, 0.6)) * 1000, 0.01);
  EXPECT_NEAR(cost.host, cost.bus + lead(onHost(9, 0.6)), 0.01);
  // Both together slower than the host alone: it takes them all.
  machine.shared = sharedByOneRow(bus, {bus, 0.4 * host});
  cost = layerCost(layer, {9, 0}, plan, machine);
  EXPECT_EQ(cost.fetched, 0);
  EXPECT_NEAR(cost.host, 4500, 0.01);
  // Alone each is as fast as ever.
  plan.mode = ExpertMode::Host;
  EXPECT_NEAR(layerCost(layer, {9, 0}, plan, machine).host, 4500, 0.01);
  plan.mode = ExpertMode::Fetch;
  EXPECT_NEAR(layerCost(layer, {9, 0}, plan, machine).bus, 9000, 0.01);
}

/// With eight rows an expert the host reads as fast as the bus, so both alone
/// read less than what one row and the bus reach at once. But measured at eight
/// rows the bus keeps three quarters and the experts four fifths: 1333 and 1250
/// us an expert.
TEST(CostModel, ManyRowsAreSlowedThoughTheirSumWouldFit) {
  Hardware machine = roundMachine();
  const double bus = 9437184 / 1e6; // GB/s
  machine.hostExpert = {{{1, 2 * bus}, {8, bus}}, "t"};
  machine.shared = {
      {{1, {0.9 * bus, 1.8 * bus}}, {8, {0.75 * bus, 0.8 * bus}}}, bus, "t"};
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  layer.topK = 9;
  EXPECT_NEAR(balancedShare(layer, 8, machine), 0.8 / 1.55, 1e-6);
  StepPlan plan = planOf(8, 0);
  plan.mode = ExpertMode::Split;
  const LayerCost cost = layerCost(layer, {9, 0}, plan, machine);
  // The host ends first, as its results need more time than the last expert on
  // the GPU: 1000 x / 0.8 us, in which the bus does 0.75 of its own. What it
  // has left then it does alone, and it is as long as that takes longer.
  const double results = machine.hostToDeviceUs(8 * 2048 * 4);
  const double onHost =
      (9 * 1000 + kLastUs) / (1000 + 1000 / 0.8 * 0.75 + results);
  EXPECT_GT(onHost * results, kLastUs);
  EXPECT_NEAR(cost.fetched, 9 - onHost, 1e-6);
  EXPECT_NEAR(cost.host, onHost * 1250, 0.01);
  EXPECT_NEAR(cost.bus, cost.host + onHost * results - kLastUs, 0.01);
  // Alone each is as fast as ever.
  plan.mode = ExpertMode::Host;
  EXPECT_NEAR(layerCost(layer, {9, 0}, plan, machine).host, 9000, 0.01);
  plan.mode = ExpertMode::Fetch;
  EXPECT_NEAR(layerCost(layer, {9, 0}, plan, machine).bus, 9000, 0.01);
}

/// Two that stand in each other's way so much that either alone is faster: from
/// where both end together (5 of 9 on the host, 10 ms) it is downhill to none
/// on the host (9 ms), but lowest is all of them there, 0.8 ms each.
TEST(CostModel, SharingIsNotAlwaysWorthIt) {
  Hardware machine = roundMachine();
  const double bus = 9437184 / 1e6, host = bus / 0.8; // GB/s
  machine.hostExpert = {{{1, host}}, "t"};
  machine.shared = sharedByOneRow(bus, {0.4 * bus, 0.4 * host});
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  layer.topK = 9;
  StepPlan plan = planOf(1, 0);
  plan.mode = ExpertMode::Split;
  LayerCost cost = layerCost(layer, {9, 0}, plan, machine);
  EXPECT_EQ(cost.fetched, 0);
  EXPECT_NEAR(cost.host, 7200, 0.01);
  // Where the bus alone is the faster one, none.
  machine.hostExpert = {{{1, bus / 1.2}}, "t"};
  machine.shared = sharedByOneRow(bus, {0.4 * bus, 0.4 * bus / 1.2});
  cost = layerCost(layer, {9, 0}, plan, machine);
  EXPECT_NEAR(cost.fetched, 9, 1e-9);
  EXPECT_NEAR(cost.bus, 9000, 0.01);
  EXPECT_EQ(cost.host, 0);
}

/// Four of eight are missing on average: always four, or at times all and else
/// none. Whole layers without a miss cost their GPU experts, 10 us each, which
/// nothing hides; an expert that arrives, one more.
TEST(CostModel, MissesInBunchesTakeTheirMeanTime) {
  const Hardware machine = roundMachine();
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  StepPlan plan = planOf(1, 0);
  const ExpertLoad always{8, 4, {{4, 0, 1}}};
  const ExpertLoad bunches{8, 4, {{0, 0, 0.5}, {8, 0, 0.5}}};
  LayerCost cost = layerCost(layer, always, plan, machine);
  EXPECT_NEAR(cost.total, 4000 + 10, 0.01);
  cost = layerCost(layer, bunches, plan, machine);
  EXPECT_NEAR(cost.total, (80 + 8000 + 10) / 2.0, 0.01);
  EXPECT_NEAR(cost.bus, 4000, 0.01);
  EXPECT_NEAR(cost.fetched, 4, 1e-9);
  EXPECT_NEAR(cost.misses, 4, 1e-9);
  // Of one missing expert the CPU takes 1, of two and three two thirds: 500,
  // 667 and 1000 us.
  plan.mode = ExpertMode::Split;
  layer.topK = 3;
  const ExpertLoad few{3, 1, {{1, 0, 0.5}, {3, 0, 0.5}}};
  cost = layerCost(layer, few, plan, machine);
  // Less than one arrives, and less is to be done behind it.
  auto onHost = [&](double missing) {
    return (1000 + kLastUs) * missing / (1500 + kLastUs + resultUs(machine));
  };
  EXPECT_NEAR(cost.host, (500 + onHost(3) * 500) / 2, 0.01);
  EXPECT_NEAR(cost.bus, (3 - onHost(3)) * 1000 / 2, 0.01);
  EXPECT_NEAR(cost.fetched, (3 - onHost(3)) / 2, 1e-6);
  cost = layerCost(layer, {3, 1, {{2, 0, 1}}}, plan, machine);
  EXPECT_NEAR(onHost(2), 4 / 3.0, 0.01);
  EXPECT_NEAR(cost.host, onHost(2) * 500, 0.01);
  EXPECT_NEAR(cost.bus, (2 - onHost(2)) * 1000, 0.01);
}

TEST(CostModel, EvenMissesAreBinomial) {
  const std::vector<double> chances = evenMisses(3, 1.5);
  ASSERT_EQ(chances.size(), 4u);
  EXPECT_NEAR(chances[0], 1 / 8.0, 1e-12);
  EXPECT_NEAR(chances[1], 3 / 8.0, 1e-12);
  EXPECT_NEAR(chances[3], 1 / 8.0, 1e-12);
  EXPECT_EQ(evenMisses(2, 0), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(evenMisses(2, 2), (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(evenMisses(0, 0), std::vector<double>{1});
  // Two and a half of them round down to fewer than are missing: three.
  EXPECT_EQ(evenMisses(2.4, 2.3).size(), 4u);
}

/// As many misses are shared as there are, also where the active experts are no
/// whole number.
TEST(CostModel, SharesAllMisses) {
  const Hardware machine = roundMachine();
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  StepPlan plan = planOf(1, 0);
  plan.mode = ExpertMode::Split;
  for (const ExpertLoad &load :
       {ExpertLoad{2.4, 1.2}, ExpertLoad{2.4, 0}, ExpertLoad{2.6, 1.2},
        ExpertLoad{0.3, 0}, ExpertLoad{8, 2.5}, ExpertLoad{63.5, 0.25}}) {
    const LayerCost cost = layerCost(layer, load, plan, machine);
    const double rows = std::max(1.0, 8 / load.active);
    EXPECT_NEAR(cost.fetched + cost.host / expertHostUs(layer, rows, machine),
                load.misses(), 1e-6)
        << load.active << " active, " << load.hits << " in slots";
  }
}

/// What a layer pays beside the experts: 20 us until the first copy starts, 30
/// until the results are there.
TEST(CostModel, OverheadsOfALayer) {
  Hardware machine = roundMachine();
  machine.roundTripUs = {20, "t"};
  machine.joinUs = {30, "t"};
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  StepPlan plan = planOf(1, 0);
  LayerCost cost = layerCost(layer, {8, 0}, plan, machine);
  EXPECT_NEAR(cost.roundTrip, 20, 1e-6);
  EXPECT_NEAR(cost.total, 20 + 8000 + 10, 0.01);
  plan.mode = ExpertMode::Host;
  cost = layerCost(layer, {8, 0}, plan, machine);
  // The results are 8 rows of 2048 floats.
  EXPECT_NEAR(cost.total, 20 + 4000 + 30 + machine.hostToDeviceUs(8 * 2048 * 4),
              0.01);
  // A job costs 40 us more, however few experts it has.
  machine.hostJobUs = {40, "t"};
  cost = layerCost(layer, {8, 0}, plan, machine);
  EXPECT_NEAR(cost.total,
              20 + 4000 + 40 + 30 + machine.hostToDeviceUs(8 * 2048 * 4), 0.01);
  EXPECT_NEAR(cost.host, 4000, 0.01);
  // Nothing is missing: nothing to join.
  cost = layerCost(layer, {8, 8}, plan, machine);
  EXPECT_NEAR(cost.total, 20 + 80, 0.01);
}

/// Whole layers, once a batch, one after the other: 128 ms a batch.
TEST(CostModel, SerialMovesWholeLayers) {
  const Hardware machine = roundMachine();
  LayerShape layer = qwen3Shape(1).layers[0];
  layer.before.clear();
  StepPlan plan = planOf(4, 1000);
  plan.schedule = ScheduleKind::Serial;
  const ExpertLoad load{29.12, 0};
  EXPECT_NEAR(layerCost(layer, load, plan, machine).total,
              4 * (128000 + 8 * 10), 0.1);
}

/// One layer's copies of 1 ms hidden by 2 ms of attention.
TEST(CostModel, PrefetchHidesCopies) {
  Hardware machine = roundMachine();
  LayerShape layer = qwen3Shape(1).layers[0];
  OpShape attention = linear(2048, 128);
  machine.kernels.push_back(
      {Kernel::Linear, Arithmetic::Portable, {2048, 128}, 1, 0, 2000});
  layer.before = {attention};
  StepPlan plan = planOf(1, 64);
  const ExpertLoad load{8, 4};
  EXPECT_NEAR(layerCost(layer, load, plan, machine).total, 6010, 0.01);
  plan.prefetchLimit = 2;
  plan.prefetchPrecision = 1;
  EXPECT_NEAR(layerCost(layer, load, plan, machine).total, 4010, 0.01);
  plan.prefetchPrecision = 0.5;
  LayerCost cost = layerCost(layer, load, plan, machine);
  EXPECT_NEAR(cost.total, 5010, 0.01);
  EXPECT_NEAR(cost.hidden, 1000, 0.01);
  // One more than fits, never used: its copy is still on the wire.
  plan.prefetchLimit = 3;
  plan.prefetchPrecision = 0;
  EXPECT_NEAR(layerCost(layer, load, plan, machine).total, 7010, 0.01);
}

/// With a GPU so fast that no miss is worth leaving to the host.
TEST(CostModel, MoreSlotsAreNeverSlower) {
  Hardware fast = roundMachine();
  fast.deviceBandwidth.value *= 50;
  const ModelShape model = qwen3Shape(4);
  for (const Hardware &machine : {builtInHardware(), fast})
    for (ExpertMode mode :
         {ExpertMode::Fetch, ExpertMode::Host, ExpertMode::Split})
      for (int64_t batch : {1, 4, 16, 128}) {
        if (mode != ExpertMode::Fetch && machine.name != fast.name)
          continue;
        double before = INFINITY;
        for (int64_t slots = 0; slots <= 512; slots += 8) {
          StepPlan plan = planOf(batch, slots);
          plan.mode = mode;
          plan.hostShare = 0.5;
          const double us = stepCost(model, plan, nullptr, machine).totalUs;
          EXPECT_LE(us, before * (1 + 1e-9))
              << machine.name << " mode " << static_cast<int>(mode) << " batch "
              << batch << " slots " << slots;
          before = us;
        }
      }
}

} // namespace
} // namespace sluice
