//===- planner_test.cpp - Decisions and their reasons ---------------------===//
#include "compiler/analysis/host_room.h"
#include "compiler/analysis/planner.h"
#include "tests/pipeline/qwen3_shape.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace sluice {
namespace {

using testing::linear;
using testing::qwen3Shape;
using testing::roundMachine;
using testing::says;
using testing::textOf;

PlannerInputs inputsOf(const Hardware &machine, int64_t layers = 48) {
  PlannerInputs inputs;
  inputs.model = qwen3Shape(layers);
  inputs.hardware = &machine;
  return inputs;
}

constexpr ExpertRoom kQuarter = {48 * 32, 48 * 128};

TEST(Planner, ChoosesWhoComputesMisses) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine);
  // Host 0.5 ms, bus 1 ms, both at once a third of a millisecond.
  PlannerReport report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.mode, ExpertMode::Split);
  EXPECT_NEAR(report.decisions.hostShare, 2.0 / 3, 1e-9);
  EXPECT_TRUE(says(report, "67% of missed bytes on the CPU"));
  EXPECT_TRUE(says(report, "fetch 2"));
  EXPECT_NEAR(report.decisions.predictedStepMs, report.cost.totalUs / 1e3,
              1e-12);
  inputs.mode = ExpertMode::Fetch;
  report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.mode, ExpertMode::Fetch);
  EXPECT_EQ(report.decisions.hostShare, 0);
  // 48 layers of 6 missing experts of 1 ms.
  EXPECT_NEAR(report.decisions.predictedStepMs, 288, 6);
  EXPECT_STREQ(report.cost.bound, "bus");
  inputs.mode = ExpertMode::Host;
  report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.hostShare, 1);
  EXPECT_EQ(report.decisions.prefetchLimit, 0);
  EXPECT_TRUE(says(report, "no expert crosses the bus"));

  // A host slower than the bus by far is not worth its launches.
  Hardware slow = machine;
  slow.hostExpert = {{{1, 0.01}}, "t"};
  EXPECT_EQ(decide(inputsOf(slow), 1, kQuarter).decisions.mode,
            ExpertMode::Fetch);
}

/// A mode that cannot be had is not dropped without a word.
TEST(Planner, SaysWhyTheCpuComputesNothing) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine);
  inputs.mode = ExpertMode::Host;
  inputs.merged = false;
  EXPECT_EQ(decide(inputs, 1, kQuarter).decisions.mode, ExpertMode::Host);
  PlannerReport report = decide(inputs, 4, kQuarter);
  EXPECT_EQ(report.decisions.mode, ExpertMode::Fetch);
  EXPECT_TRUE(says(report, "fetch (merge-expert-io is disabled, and the CPU "
                           "computes whole unions of batches only)\n"))
      << textOf(report.lines);
  inputs.split = false;
  report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.mode, ExpertMode::Fetch);
  EXPECT_TRUE(says(report, "fetch (split-misses is disabled)\n"))
      << textOf(report.lines);
  inputs.schedule = ScheduleKind::Serial;
  report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.mode, ExpertMode::Fetch);
  EXPECT_TRUE(says(report, "fetch (the serial schedule leaves nothing to the "
                           "CPU)\n"))
      << textOf(report.lines);
}

TEST(Planner, EverythingResident) {
  const Hardware machine = roundMachine();
  PlannerReport report = decide(inputsOf(machine), 1, {48 * 128, 48 * 128});
  EXPECT_TRUE(report.plan.resident);
  EXPECT_TRUE(says(report, "all 6144 stay on the GPU"));
  EXPECT_LT(report.decisions.predictedStepMs, 10);
}

TEST(Planner, SerialIsTheBaseline) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine);
  inputs.schedule = ScheduleKind::Serial;
  PlannerReport report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.waveBytes, 0);
  EXPECT_EQ(report.decisions.prefetchLimit, 0);
  EXPECT_GT(report.decisions.predictedStepMs, 48 * 128);
  EXPECT_TRUE(says(report, "serial"));
}

/// Attention of 2.5 ms hides two whole copies of 1 ms.
Hardware withAttention(double us) {
  Hardware machine = roundMachine();
  for (int64_t rows : {1, 128})
    machine.kernels.push_back(
        {Kernel::Linear, Arithmetic::Portable, {4096, 2048}, rows, 0, us});
  return machine;
}

TEST(Planner, PrefetchPaysFromABreakEven) {
  const Hardware machine = withAttention(2500);
  PlannerInputs inputs = inputsOf(machine);
  inputs.mode = ExpertMode::Fetch;
  // One token, no data: 8 of 128 use what was moved, one in 17 must.
  EXPECT_NEAR(prefetchPrecision(inputs, 1, 0.25, 4).back(), 8.0 / 128, 1e-6);
  PlannerReport report = decide(inputs, 1, kQuarter);
  EXPECT_EQ(report.decisions.prefetchLimit, 0);
  EXPECT_TRUE(says(report, "6% of what moves ahead would be used"))
      << textOf(report.lines);
  // 128 tokens use nearly every expert: prefetch needs no data.
  report = decide(inputs, 128, kQuarter);
  EXPECT_GE(report.decisions.prefetchLimit, 2);
  EXPECT_GT(report.plan.prefetchPrecision, 0.99);
  inputs.prefetch = false;
  EXPECT_TRUE(says(decide(inputs, 128, kQuarter), "is disabled"));
}

/// Expert i is always followed by the eight from 8 i on (mod 128).
RoutingEvidence certain(size_t layers) {
  RoutingEvidence evidence;
  evidence.transitions.resize(layers);
  for (size_t l = 1; l < layers; ++l) {
    evidence.transitions[l].assign(128 * 128, 0);
    for (size_t i = 0; i < 128; ++i)
      for (size_t j = 0; j < 8; ++j)
        evidence.transitions[l][i * 128 + (8 * i + j) % 128] = 5000;
  }
  return evidence;
}

TEST(Planner, CorrelationMakesPrefetchPay) {
  const Hardware machine = withAttention(2500);
  PlannerInputs inputs = inputsOf(machine, 6);
  inputs.mode = ExpertMode::Fetch;
  RoutingEvidence evidence = certain(6);
  inputs.evidence = &evidence;
  // Of the first layer nothing is known; of the others all eight, where they
  // are not among the 32 resident ones: three quarters of them.
  EXPECT_NEAR(prefetchPrecision(inputs, 1, 0.25, 2)[1],
              (8.0 / 128 + 5 * 0.75) / 6, 0.05);
  EXPECT_NEAR(prefetchPrecision(inputs, 1, 0, 2)[1], (8.0 / 128 + 5) / 6, 1e-3);
  // Half of the twelve likeliest are among the eight that follow.
  EXPECT_NEAR(prefetchPrecision(inputs, 1, 0, 12)[11],
              (8.0 / 128 + 5 * 8.0 / 12) / 6, 1e-3);
  PlannerReport report = decide(inputs, 1, {6 * 32, 6 * 128});
  EXPECT_GT(report.decisions.prefetchLimit, 0) << textOf(report.lines);
  inputs.evidence = nullptr;
  const double without =
      decide(inputs, 1, {6 * 32, 6 * 128}).decisions.predictedStepMs;
  EXPECT_LT(report.decisions.predictedStepMs, without);
}

/// One token that used i of the layer before says little of what follows it:
/// its eight experts (1 + 4 * 8 / 128) / (1 + 4) instead of certainty.
TEST(Planner, OneTokenIsNoCorrelation) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine, 2);
  RoutingEvidence evidence;
  evidence.transitions.resize(2);
  evidence.transitions[1].assign(128 * 128, 0);
  for (size_t j = 0; j < 8; ++j)
    evidence.transitions[1][3 * 128 + j] = 1;
  inputs.evidence = &evidence;
  EXPECT_NEAR(prefetchPrecision(inputs, 1, 0, 8)[7], (8.0 / 128 + 1.25 / 5) / 2,
              1e-6);
}

TEST(Planner, ReplayedRoutingSaysTheHits) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine);
  inputs.mode = ExpertMode::Fetch;
  RoutingEvidence evidence;
  // Half the layers miss nothing, half all of 8.
  const std::vector<LayerMisses> allOrNothing = {{0, 0, 0.5}, {8, 0, 0.5}};
  ReplayedHits replayed{
      .active = 8, .layers = allOrNothing, .tokens = 600, .demandsPerSlot = 16};
  evidence.hits = [&replayed](int64_t, int64_t, double, const DiskHomes &) {
    return replayed;
  };
  inputs.evidence = &evidence;
  PlannerReport report = decide(inputs, 1, kQuarter);
  EXPECT_NEAR(report.cost.sum.misses, 48 * 4, 1e-6);
  ASSERT_TRUE(report.plan.load);
  EXPECT_EQ(report.plan.load->layers, allOrNothing);
  EXPECT_TRUE(says(report, "next_use: 50.0% in slots, from 600 recorded tokens "
                           "behind a warm-up\n"));
  // A quarter of the demands that would do: a quarter of the weight. A quarter
  // of the experts has a slot, so 0.25 * 0.5 + 0.75 * 0.25 of the demands hit.
  // Of the chances too: by popularity all 8 are missing with 0.75^8 = 10.0%.
  replayed.tokens = 40;
  replayed.demandsPerSlot = 4;
  report = decide(inputs, 1, kQuarter);
  EXPECT_NEAR(report.cost.sum.misses, 48 * 8 * (1 - 0.3125), 1e-6);
  double all = 0;
  for (const LayerMisses &one : report.plan.load->layers)
    all += one.misses == 8 ? one.chance : 0;
  EXPECT_NEAR(all, 0.125 + 0.75 * 0.100113, 1e-6);
  EXPECT_TRUE(says(report, "31.2% in slots, from 40 recorded tokens behind a "
                           "warm-up, which are few: their 50.0% count for 25%, "
                           "popularity says 25.0%"))
      << textOf(report.lines);
  // Nothing to replay: popularity alone.
  replayed = {.tokens = 7};
  report = decide(inputs, 1, kQuarter);
  EXPECT_NEAR(report.cost.sum.misses, 48 * 6, 1e-6);
  EXPECT_TRUE(says(report, "25.0% in slots, by popularity alone: 7 recorded "
                           "tokens are too few to replay\n"))
      << textOf(report.lines);
}

/// What the CPU computes does not come to stay: each way is replayed as it
/// would be, and where nothing comes the likeliest stay.
TEST(Planner, EveryModeHasHitsOfItsOwn) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine);
  RoutingEvidence evidence;
  std::vector<double> shares;
  evidence.hits = [&shares](int64_t, int64_t slots, double hostShare,
                            const DiskHomes &) {
    EXPECT_EQ(slots, 48 * 32);
    shares.push_back(hostShare);
    ReplayedHits replayed{.active = 8, .tokens = 600, .demandsPerSlot = 16};
    replayed.layers = {{hostShare > 0 ? 5.0 : 3.0, 0, 1}};
    return replayed;
  };
  inputs.evidence = &evidence;
  // Three over the bus take 3 ms; of five the CPU takes three and a third.
  PlannerReport report = decide(inputs, 1, kQuarter);
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0], 0);
  EXPECT_NEAR(shares[1], 2.0 / 3, 1e-9);
  EXPECT_EQ(report.decisions.mode, ExpertMode::Split);
  EXPECT_NEAR(report.cost.sum.misses, 48 * 5, 1e-6);
  EXPECT_TRUE(says(report, "next_use: 37.5% in slots")) << textOf(report.lines);
  inputs.mode = ExpertMode::Fetch;
  EXPECT_NEAR(decide(inputs, 1, kQuarter).cost.sum.misses, 48 * 3, 1e-6);
  inputs.mode = ExpertMode::Host;
  EXPECT_NEAR(decide(inputs, 1, kQuarter).cost.sum.misses, 48 * 6, 1e-6);
  EXPECT_EQ(shares.size(), 3u);
}

/// Waves: launches may take a quarter of the copies' time.
TEST(Planner, WavesCostLessThanTheirTransfer) {
  Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine);
  EXPECT_EQ(decide(inputs, 1, kQuarter).decisions.waveBytes, 9437184);
  machine.launchUs.value = 499; // two launches: nearly as long as one copy
  EXPECT_EQ(decide(inputs, 1, kQuarter).decisions.waveBytes, 4 * 9437184);
}

/// An expert of 1 ms; attention 0.1 ms a batch and nothing in slots. All 128
/// experts must be hidden: 0.1 n + |Q| 0.01 >= U(n), so about 1267.
TEST(Planner, ChoosesTheSmallestNumberOfBatches) {
  Hardware machine = roundMachine();
  machine.kernels = {
      {Kernel::Linear, Arithmetic::Portable, {4096, 2048}, 1, 0, 100},
      {Kernel::Linear, Arithmetic::Portable, {4096, 2048}, 2, 0, 200}};
  PlannerInputs inputs = inputsOf(machine, 2);
  inputs.mode = ExpertMode::Fetch;
  for (LayerShape &layer : inputs.model.layers)
    layer.before = {linear(4096, 2048)};
  auto room = [](int64_t batch) -> std::optional<ExpertRoom> {
    if (batch > 3000)
      return std::nullopt;
    return ExpertRoom{2, 256};
  };
  std::optional<BatchChoice> choice = chooseBatches(inputs, room, {4096});
  ASSERT_TRUE(choice);
  EXPECT_TRUE(choice->satisfied);
  EXPECT_NEAR(static_cast<double>(choice->batch), 1260, 20);
  EXPECT_TRUE(choice->check.holds());
  EXPECT_FALSE(
      klotskiOf(inputs, decide(inputs, choice->batch - 1, *room(1))).holds());
  EXPECT_NE(textOf(choice->lines).find("3000 would fit\n"), std::string::npos)
      << textOf(choice->lines);
  EXPECT_NE(textOf(choice->lines).find("(binds)"), std::string::npos);

  // Only 200 fit: none hides the transfers, throughput decides.
  auto small = [](int64_t batch) -> std::optional<ExpertRoom> {
    if (batch > 200)
      return std::nullopt;
    return ExpertRoom{2, 256};
  };
  choice = chooseBatches(inputs, small, {4096});
  ASSERT_TRUE(choice);
  EXPECT_FALSE(choice->satisfied);
  EXPECT_EQ(choice->batch, 200);
  EXPECT_NE(textOf(choice->lines).find("no n up to 200, the most that fits, "),
            std::string::npos)
      << textOf(choice->lines);
  // More would fit than may be: the limit is named.
  choice = chooseBatches(inputs, small, {150});
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->batch, 150);
  EXPECT_NE(textOf(choice->lines)
                .find("no n up to 150, the most that --prefill-rows allows, "),
            std::string::npos)
      << textOf(choice->lines);
  choice = chooseBatches(inputs, room, {2000, "--batch"});
  ASSERT_TRUE(choice);
  EXPECT_TRUE(choice->satisfied);
  EXPECT_NE(textOf(choice->lines)
                .find("2000 would fit, the most that --batch allows\n"),
            std::string::npos)
      << textOf(choice->lines);
  EXPECT_FALSE(
      chooseBatches(inputs, [](int64_t) { return std::nullopt; }, {4096}));
}

/// Attention of 1 ms a batch, no slots: n batches hide U(n) experts from
/// n + 0.01 U >= U iE on.
std::optional<BatchChoice> chooseWith(const Hardware &machine, ExpertMode mode,
                                      int64_t hostExperts,
                                      PlannerInputs &inputs) {
  inputs = inputsOf(machine, 2);
  inputs.mode = mode;
  inputs.prefetch = false;
  for (LayerShape &layer : inputs.model.layers)
    layer.before = {linear(4096, 2048)};
  return chooseBatches(
      inputs, [=](int64_t) { return ExpertRoom{2, hostExperts}; }, {1000});
}

TEST(Planner, BatchesHideWhatBoundsAMiss) {
  Hardware machine = roundMachine();
  machine.kernels = {
      {Kernel::Linear, Arithmetic::Portable, {4096, 2048}, 1, 0, 1000},
      {Kernel::Linear, Arithmetic::Portable, {4096, 2048}, 2, 0, 2000}};
  PlannerInputs inputs;
  // The bus, 1 ms each: n = 0.99 U(n) at 126.
  auto fetch = chooseWith(machine, ExpertMode::Fetch, 256, inputs);
  ASSERT_TRUE(fetch && fetch->satisfied);
  EXPECT_NEAR(static_cast<double>(fetch->batch), 126, 2);
  // Half on the disk at 4 ms each, 2 ms a miss: n = 1.99 * 128 = 255.
  auto disk = chooseWith(machine, ExpertMode::Fetch, 128, inputs);
  ASSERT_TRUE(disk && disk->satisfied);
  EXPECT_NEAR(static_cast<double>(disk->batch), 254, 3);
  // Bus and CPU together, a third of a millisecond each: n = 0.323 U(n) at 38.
  auto split = chooseWith(machine, ExpertMode::Split, 256, inputs);
  ASSERT_TRUE(split && split->satisfied);
  EXPECT_NEAR(static_cast<double>(split->batch), 38, 2);
  // The CPU alone, half a millisecond each: n = 0.49 U(n) at 61.
  auto host = chooseWith(machine, ExpertMode::Host, 256, inputs);
  ASSERT_TRUE(host && host->satisfied);
  EXPECT_NEAR(static_cast<double>(host->batch), 61, 2);
  // Without whole unions the CPU takes nothing of several batches.
  inputs.merged = false;
  EXPECT_EQ(decide(inputs, 2, {2, 256}).decisions.mode, ExpertMode::Fetch);
  EXPECT_EQ(decide(inputs, 1, {2, 256}).decisions.mode, ExpertMode::Host);
}

/// Images that do not fit go to the disk, behind a ring of an eighth of the
/// room; but not where nothing places them.
TEST(Planner, HomesOfExperts) {
  EXPECT_EQ(expertsOnHost(256, 256, true), 256);
  EXPECT_EQ(expertsOnHost(80, 256, true), 70);
  EXPECT_EQ(expertsOnHost(1, 256, true), 0);
  EXPECT_EQ(expertsOnHost(-5, 256, true), 0);
  EXPECT_EQ(expertsOnHost(80, 256, false), 256);
  EXPECT_EQ(expertsOnHost(-5, 256, false), 256);
}

TEST(Planner, TheSerialScheduleHidesNothing) {
  const Hardware machine = roundMachine();
  PlannerInputs inputs = inputsOf(machine, 2);
  inputs.schedule = ScheduleKind::Serial;
  auto choice =
      chooseBatches(inputs, [](int64_t) { return ExpertRoom{16, 256}; }, {64});
  ASSERT_TRUE(choice);
  // 64 batches take 64 times as long as one: nothing is won by more.
  EXPECT_FALSE(choice->satisfied);
  EXPECT_EQ(choice->batch, 1);
  EXPECT_NE(textOf(choice->lines).find("the serial schedule hides nothing"),
            std::string::npos)
      << textOf(choice->lines);
}

/// What is chosen is chosen by the figures that the plan then predicts, and
/// each n that is looked at is replayed once for each way that brings experts.
TEST(Planner, BatchesAreChosenByThePredictionThatFollows) {
  const Hardware machine = withAttention(2500);
  PlannerInputs inputs = inputsOf(machine, 2);
  RoutingEvidence evidence;
  std::vector<int64_t> replayed;
  evidence.hits = [&](int64_t batch, int64_t, double hostShare,
                      const DiskHomes &) {
    if (hostShare == 0)
      replayed.push_back(batch);
    ReplayedHits hits{.active = 10, .tokens = 1000, .demandsPerSlot = 100};
    hits.layers = {{7, 3, 0.5}, {7, 4, 0.5}};
    return hits;
  };
  inputs.evidence = &evidence;
  const ExpertRoom room{64, 128}; // half on the disk
  auto choice = chooseBatches(inputs, [=](int64_t) { return room; }, {300});
  ASSERT_TRUE(choice);
  EXPECT_FALSE(choice->satisfied);
  EXPECT_EQ(replayed, batchesToTry(300));
  char expected[80];
  std::snprintf(expected, sizeof expected, "this brings %.1f of at most",
                decide(inputs, choice->batch, room).cost.tokensPerSecond);
  EXPECT_NE(textOf(choice->lines).find(expected), std::string::npos)
      << expected << " in " << textOf(choice->lines);
}

/// What stands behind `before` in the line of a layer.
double numberBehind(const std::string &line, const std::string &before) {
  const size_t at = line.find(before);
  EXPECT_NE(at, std::string::npos) << before << " in " << line;
  return at == std::string::npos ? 0
                                 : std::stod(line.substr(at + before.size()));
}

/// Who waits for whom in a layer, as --explain prints it, adds up to its time:
/// with whole experts that are shared, with ones on the disk, and in turn.
TEST(Planner, PartsOfALayerAddUp) {
  Hardware machine = withAttention(2500);
  machine.launchUs = {7, "t"};
  machine.roundTripUs = {20, "t"};
  machine.hostJobUs = {40, "t"};
  machine.joinUs = {400, "t"};
  PlannerInputs inputs = inputsOf(machine, 6);
  for (ScheduleKind schedule : {ScheduleKind::Planned, ScheduleKind::Serial})
    for (ExpertMode mode :
         {ExpertMode::Fetch, ExpertMode::Host, ExpertMode::Split})
      for (int64_t slots : {0, 6 * 32, 6 * 128})
        for (int64_t onHost : {6 * 128, 6 * 64}) {
          inputs.schedule = schedule;
          inputs.mode = mode;
          const PlannerReport report = decide(inputs, 1, {slots, onHost});
          const LayerCost &sum = report.cost.sum;
          EXPECT_NEAR(sum.total,
                      sum.attention + sum.roundTrip + sum.together + sum.tail,
                      1e-6);
          std::string text;
          for (const std::string &line : report.lines)
            if (line.starts_with("  a layer"))
              text = line;
          const double total = numberBehind(text, "  a layer                ");
          double parts = numberBehind(text, "attention and gate ");
          const size_t last = text.rfind(", ");
          parts += numberBehind(text.substr(last), ", ");
          if (report.plan.resident) {
            parts += numberBehind(text.substr(text.find("gate ") + 5), ", ");
          } else {
            parts += numberBehind(text, "round trip ");
            parts += numberBehind(text.substr(text.find("trip ") + 5), ", ");
          }
          EXPECT_NEAR(parts, total, 0.26) << text;
          EXPECT_NEAR(total, sum.total / 6, 0.06);
          const bool inTurn =
              !report.plan.resident && schedule == ScheduleKind::Serial;
          EXPECT_EQ(text.find("at once") == std::string::npos,
                    inTurn || report.plan.resident)
              << text;
        }
}

TEST(Planner, MoreBudgetIsNeverSlower) {
  Hardware machine = withAttention(50);
  machine.deviceBandwidth.value *= 50; // no reason to spare the GPU
  PlannerInputs inputs = inputsOf(machine, 6);
  for (int64_t batch : {1, 8, 64}) {
    double before = 1e300;
    for (int64_t slots = 16; slots <= 6 * 128; slots += 16) {
      const double ms =
          decide(inputs, batch, {slots, 6 * 128}).decisions.predictedStepMs;
      EXPECT_LE(ms, before * 1.001) << batch << " batches, " << slots;
      before = ms;
    }
  }
}

} // namespace
} // namespace sluice
