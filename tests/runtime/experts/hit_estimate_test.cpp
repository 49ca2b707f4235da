//===- hit_estimate_test.cpp - Hit rates that a recording can bear --------===//

#include "runtime/experts/hit_estimate.h"
#include "runtime/experts/replay.h"
#include "tests/runtime/experts/traces.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

using namespace sluice;
using namespace sluice::experts;

namespace {

/// One layer of `experts` experts, one a token.
RoutingTrace oneLayer(uint32_t experts, std::vector<int32_t> ids) {
  RoutingTrace trace{
      .banks = 1, .experts = experts, .topK = 1, .rows = ids.size(), .ids = {}};
  trace.ids = std::move(ids);
  return trace;
}

HitEstimate estimate(const RoutingTrace &trace, uint32_t slots, uint32_t rows) {
  auto found = estimateHits(trace, slots, rows, "next_use");
  EXPECT_TRUE(found.isOk()) << found.status().message();
  return *found;
}

using Alike = std::vector<LayersAlike>; // misses, on the disk, layers

double missesOnDisk(const HitEstimate &found) {
  double sum = 0;
  for (const LayersAlike &alike : found.layersAlike)
    sum += double(alike.onDisk) * double(alike.layers);
  return sum;
}

TEST(HitEstimate, TheWarmUpIsNotCounted) {
  // Four misses fill the pool; the other four tokens find what they want.
  HitEstimate found = estimate(oneLayer(4, {0, 1, 2, 3, 0, 1, 0, 2}), 4, 1);
  EXPECT_EQ(found.tokens, 4u);
  EXPECT_EQ(found.demands, 4u);
  EXPECT_EQ(found.hits, 4u);
  EXPECT_EQ(found.demandsPerSlot, 1);
  EXPECT_EQ(found.layersAlike, (Alike{{0, 0, 4}}));
}

TEST(HitEstimate, CountsFromWhereThePoolIsFull) {
  // Two tokens fill the pool, eight more let it settle; the other ten find all
  // but one of what they want.
  std::vector<int32_t> ids(20, 0);
  ids[1] = 1;
  ids[15] = 2;
  const HitEstimate found = estimate(oneLayer(4, ids), 2, 1);
  EXPECT_EQ(found.tokens, 10u);
  EXPECT_EQ(found.hits, 9u);
  EXPECT_EQ(found.layersAlike, (Alike{{0, 0, 9}, {1, 0, 1}}));
  // 40 tokens are no reason for a longer warm-up.
  ids.resize(40, 0);
  EXPECT_EQ(estimate(oneLayer(4, ids), 2, 1).tokens, 30u);
}

TEST(HitEstimate, SaysHowManyRowsTheMissingServe) {
  // Four steps of two rows: {0, 2}, {1, 2}, {0, 3}, {1, 2}. Of the two that
  // count the first misses 3, which one row wants.
  HitEstimate found = estimate(oneLayer(4, {0, 1, 0, 1, 2, 2, 3, 2}), 4, 2);
  EXPECT_EQ(found.missesByRows, (std::vector<uint64_t>{0, 1}));
  // {0, 2}, {0, 2}, {1}, {0, 3}: both rows of the third step want 1.
  found = estimate(oneLayer(4, {0, 0, 1, 0, 2, 2, 1, 3}), 4, 2);
  EXPECT_EQ(found.missesByRows, (std::vector<uint64_t>{0, 1, 1}));
}

TEST(HitEstimate, SaysWhichExpertsAreMissed) {
  auto expect = [](const RoutingTrace &trace, uint32_t slots, uint32_t rows,
                   const std::vector<double> &wanted) {
    auto found = estimateMisses(trace, slots, rows, "next_use");
    ASSERT_TRUE(found.isOk()) << found.status().message();
    ASSERT_EQ(found->size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_NEAR((*found)[i], wanted[i], 1e-12) << i;
  };
  // The ten tokens that count miss 2 once, so one in ten demands. Of all tokens
  // 90% demand 0, 5% each 1 and 2: so do two more.
  std::vector<int32_t> ids(20, 0);
  ids[1] = 1;
  ids[15] = 2;
  expect(oneLayer(4, ids), 2, 1, {0.18 / 12, 0.01 / 12, 1.01 / 12, 0});
  // Steps of two rows: {0, 2}, {1, 2}, {0, 3}, {1, 2}. The two that count miss
  // 3, one of four demands. Two more demand 0 and 1 once, 2 1.5 times, 3 0.5.
  expect(oneLayer(4, {0, 1, 0, 1, 2, 2, 3, 2}), 4, 2,
         {0.25 / 4, 0.25 / 4, 0.375 / 4, 1.125 / 4});
  // One step says nothing.
  expect(oneLayer(4, {0, 1, 0}), 4, 2, {});
  EXPECT_FALSE(estimateMisses(oneLayer(4, {1, 2}), 0, 1, "lru").isOk());
}

/// They add up to about what the hit estimate misses, also in parts.
TEST(HitEstimate, MissesOfExpertsAddUp) {
  const RoutingTrace trace = syntheticTrace(
      {24, 32, 4, 1}, {.repeat = 0.5, .skew = 1.0, .seed = 3}, 1200);
  for (uint32_t rows : {1u, 16u})
    for (double hostShare : {0.0, 0.7}) {
      auto hits =
          estimateHits(trace, 240, rows, "next_use", hostShare, ~uint64_t{0});
      auto whole =
          estimateMisses(trace, 240, rows, "next_use", hostShare, ~uint64_t{0});
      auto parts = estimateMisses(trace, 240, rows, "next_use", hostShare,
                                  rows == 1 ? 9'000'000 : 3'000'000);
      ASSERT_TRUE(hits.isOk() && whole.isOk() && parts.isOk());
      ASSERT_EQ(whole->size(), 24u * 32);
      ASSERT_EQ(parts->size(), whole->size());
      const double steps = double(hits->tokens) / rows;
      const double all = double(hits->demands - hits->hits) / steps;
      EXPECT_NEAR(std::accumulate(whole->begin(), whole->end(), 0.0), all,
                  0.01 * all);
      EXPECT_NE(*parts, *whole) << "they should be parts";
      EXPECT_NEAR(std::accumulate(parts->begin(), parts->end(), 0.0), all,
                  0.05 * all)
          << rows << " " << hostShare;
      // Who is missed most in the whole is missed most in parts.
      double both = 0, one = 0, other = 0;
      const double mean = all / double(whole->size());
      for (size_t i = 0; i < whole->size(); ++i) {
        const double a = (*whole)[i] - mean, b = (*parts)[i] - mean;
        both += a * b;
        one += a * a;
        other += b * b;
      }
      EXPECT_GT(both / std::sqrt(one * other), 0.8) << rows << " " << hostShare;
    }
}

TEST(HitEstimate, APoolThatNeverFillsHitsWhatItHasSeen) {
  // Nothing is ever evicted, and yet 1, 2 and 3 were misses.
  HitEstimate found = estimate(oneLayer(8, {0, 0, 0, 0, 1, 2, 3, 0}), 8, 1);
  EXPECT_EQ(found.demands, 4u);
  EXPECT_EQ(found.hits, 1u);
  EXPECT_EQ(found.demandsPerSlot, 0.5);
}

TEST(HitEstimate, RowsShareAStep) {
  // Two streams of four tokens: {0, 2}, {1, 2}, {0, 3}, {1, 2}. The second half
  // demands 0, 3, 1, 2, of which 3 is new.
  const RoutingTrace trace = oneLayer(4, {0, 1, 0, 1, 2, 2, 3, 2});
  HitEstimate found = estimate(trace, 4, 2);
  EXPECT_EQ(found.tokens, 4u);
  EXPECT_EQ(found.demands, 4u);
  EXPECT_EQ(found.hits, 3u);
  EXPECT_EQ(found.layersAlike, (Alike{{0, 0, 1}, {1, 0, 1}}));
  // Five rows are one step: it fills the pool and says nothing.
  found = estimate(trace, 4, 5);
  EXPECT_EQ(found.demands, 0u);
  EXPECT_EQ(found.tokens, 0u);
}

/// 60% on the CPU in units of what its rate and the bus's are together: 1.67 an
/// expert there, 2.5 on the bus.
TEST(HitEstimate, WhatTheCpuComputesDoesNotStay) {
  EXPECT_EQ(stayingOf(5, 0), 5u);
  EXPECT_EQ(stayingOf(5, 1), 0u);
  EXPECT_EQ(stayingOf(1, 0.4), 1u); // 1.67 on the bus, 2.5 on the CPU
  EXPECT_EQ(stayingOf(1, 0.6), 0u); // the other way round
  // Both on the CPU, of which the bus takes two thirds of one over: 2.22. One
  // each takes 2.5.
  EXPECT_EQ(stayingOf(2, 0.6), 0u);
  // At 0.55 they take 2.42 and 2.22.
  EXPECT_EQ(stayingOf(2, 0.55), 1u);
  // 1.8 of three: two on the CPU, a fifth goes over.
  EXPECT_EQ(stayingOf(3, 0.6), 1u);
  // 4.8 of eight: of five a fifth would go over, too little should the CPU be
  // faster; of six it is 1.2, in the same time.
  EXPECT_EQ(stayingOf(8, 0.6), 2u);

  // 2 is computed by the CPU as often as it is demanded, and 0 and 1 stay.
  const UseTrace uses = groupUses(oneLayer(3, {0, 1, 2, 2, 0, 1}), 1);
  auto hits = [&](double hostShare) {
    const std::vector<uint32_t> banks = {3};
    auto policy = makePolicy("lru", {.bankExperts = banks});
    return replay(uses, 2, std::move(*policy), {.hostShare = hostShare}).hits;
  };
  EXPECT_EQ(hits(0), 1u);
  EXPECT_EQ(hits(0.6), 2u);
}

/// The CPU takes what fewest rows use.
TEST(HitEstimate, TheBusMovesWhatManyRowsUse) {
  // Steps of three rows: {0, 1, 1} fills the pool; of 2 and 3, of which 2 has
  // two rows, 2 comes to stay, and is there in the last step.
  const RoutingTrace trace = oneLayer(4, {0, 2, 2, 1, 2, 2, 1, 3, 2});
  const UseTrace uses = groupUses(trace, 3);
  const std::vector<uint32_t> banks = {4};
  auto policy = makePolicy("lru", {.bankExperts = banks});
  const ReplayResult result =
      replay(uses, 2, std::move(*policy), {.hostShare = 0.55});
  EXPECT_EQ(result.hits, 1u);
  EXPECT_EQ(result.misses, 4u);
  EXPECT_EQ(result.layersAlike, (Alike{{0, 0, 1}, {2, 0, 2}}));
}

/// What lies on the disk the CPU cannot compute: it comes to stay. What load
/// brought is there at once.
TEST(HitEstimate, TheDiskComesToStay) {
  const UseTrace uses = groupUses(oneLayer(4, {0, 1, 2, 2, 3, 3, 2}), 1);
  const std::vector<uint32_t> banks = {4};
  const std::vector<uint8_t> onDisk = {0, 0, 1, 0};
  auto played = [&](const ReplayOptions &options) {
    auto policy = makePolicy("lru", {.bankExperts = banks});
    return replay(uses, 2, std::move(*policy), options);
  };
  // All on the CPU once 0 and 1 are there: 2 and 3 are missed at each use.
  EXPECT_EQ(played({.hostShare = 1}).hits, 0u);
  ReplayResult found = played({.hostShare = 1, .onDisk = onDisk});
  EXPECT_EQ(found.hits, 2u);
  // Each step is a layer: two hit, four miss in memory, one on the disk.
  EXPECT_EQ(found.layersAlike, (Alike{{0, 0, 2}, {1, 0, 4}, {1, 1, 1}}));
  const std::vector<uint32_t> resident = {2, 3};
  found = played({.hostShare = 1, .onDisk = onDisk, .resident = resident});
  EXPECT_EQ(found.hits, 5u);
  EXPECT_EQ(found.layersAlike, (Alike{{0, 0, 5}, {1, 0, 2}}));
}

/// Slots are for those whose misses cost most: with as many as lie on the disk
/// nearly nothing of it is missed, without a cost as much as of the others.
TEST(HitEstimate, SlotsAreForWhatIsDear) {
  const RoutingTrace trace =
      syntheticTrace({8, 32, 4, 1}, {.seed = 5}, 600); // uniform
  std::vector<uint8_t> onDisk(8 * 32);
  for (size_t id = 0; id < onDisk.size(); ++id)
    onDisk[id] = id % 4 == 3;
  for (bool knows : {false, true}) {
    auto share = [&](float cost) {
      auto found = estimateHits(trace, 72, 1, "next_use", 0, kMostVisits,
                                {onDisk, cost, knows});
      EXPECT_TRUE(found.isOk());
      EXPECT_NEAR(found->rate(), 72 / 256.0, 0.04);
      return missesOnDisk(*found) / double(found->demands - found->hits);
    };
    EXPECT_NEAR(share(1), 0.25, 0.05);
    EXPECT_LT(share(20), 0.04);
  }
}

/// Made-up tokens give what the same policy gives uniform ones of all layers,
/// also where the CPU computes whatever is not on the disk, and more rows than
/// it takes to demand everything only serve more.
TEST(HitEstimate, UniformTokensNeedNoTrace) {
  const UniformRouting routing{24, 32, 4};
  std::vector<uint8_t> onDisk(24 * 32);
  for (size_t id = 0; id < onDisk.size(); ++id)
    onDisk[id] = id % 32 >= 20;
  const DiskTier disk{onDisk, 20, /*knowsDemand=*/false};
  for (uint32_t rows : {1u, 6u, 40u})
    for (double hostShare : {0.0, 0.6, 1.0}) {
      const RoutingTrace trace =
          syntheticTrace({24, 32, 4, 1}, {.seed = 9}, 160 * rows);
      auto all = estimateHits(trace, 200, rows, "next_use", hostShare,
                              ~uint64_t{0}, disk);
      auto few =
          estimateUniformHits(routing, 200, rows, "next_use", hostShare, disk);
      ASSERT_TRUE(all.isOk() && few.isOk());
      EXPECT_NEAR(few->rate(), all->rate(), 0.02) << rows << " " << hostShare;
      EXPECT_NEAR(missesOnDisk(*few) / double(few->demands),
                  missesOnDisk(*all) / double(all->demands), 0.02)
          << rows << " " << hostShare;
    }
  auto many = estimateUniformHits(routing, 200, 4000, "next_use", 0, disk);
  ASSERT_TRUE(many.isOk());
  double experts = 0, rows = 0;
  for (size_t r = 0; r < many->missesByRows.size(); ++r) {
    experts += double(many->missesByRows[r]);
    rows += double(r) * double(many->missesByRows[r]);
  }
  EXPECT_NEAR(rows / experts, 4000 * 4 / 32.0, 5);
  for (const UniformRouting &wrong :
       {UniformRouting{0, 32, 4}, {24, 32, 0}, {24, 3, 4}})
    EXPECT_FALSE(estimateUniformHits(wrong, 200, 1, "next_use").isOk());
  EXPECT_FALSE(estimateUniformHits(routing, 0, 1, "next_use").isOk());
  EXPECT_FALSE(estimateUniformHits(routing, 200, 0, "next_use").isOk());
}

TEST(HitEstimate, AgreesWithTheReplayBehindTheWarmUp) {
  const RoutingTrace trace = syntheticTrace(
      {6, 32, 4, 1}, {.repeat = 0.5, .skew = 1.0, .seed = 3}, 400);
  const HitEstimate found = estimate(trace, 100, 4);
  // Of 100 steps of 4 rows some fill the pool and eight more are not counted.
  const uint64_t warm = 100 - found.tokens / 4;
  EXPECT_GT(warm, 8u);
  EXPECT_LT(warm, 20u);
  auto whole = replay(trace, 100, 4, "next_use", {.warmSteps = warm});
  ASSERT_TRUE(whole.isOk());
  EXPECT_EQ(found.demands, whole->demands);
  EXPECT_EQ(found.hits, whole->hits);
  EXPECT_EQ(found.layersAlike, whole->layersAlike);
  EXPECT_NEAR(found.demandsPerSlot, double(whole->demands) / 100, 1e-12);
  // Every layer of a step is in one place, with as many as it missed.
  uint64_t layers = 0, misses = 0;
  for (const LayersAlike &alike : found.layersAlike) {
    layers += alike.layers;
    misses += alike.misses * alike.layers;
  }
  EXPECT_EQ(layers, 6 * found.tokens / 4);
  EXPECT_EQ(misses, found.demands - found.hits);
}

/// Also where a layer of a step demands more than its share of the slots.
TEST(HitEstimate, AFewLayersSpeakForAll) {
  const RoutingTrace trace = syntheticTrace(
      {24, 32, 4, 1}, {.repeat = 0.5, .skew = 1.0, .seed = 3}, 1200);
  for (uint32_t rows : {1u, 16u})
    for (double hostShare : {0.0, 0.7}) {
      auto all =
          estimateHits(trace, 240, rows, "next_use", hostShare, ~uint64_t{0});
      auto few = estimateHits(trace, 240, rows, "next_use", hostShare,
                              rows == 1 ? 4'000'000 : 2'000'000);
      ASSERT_TRUE(all.isOk() && few.isOk());
      EXPECT_LT(few->demands, all->demands / 2.0);
      EXPECT_NEAR(few->demandsPerSlot, all->demandsPerSlot,
                  0.1 * all->demandsPerSlot);
      EXPECT_NEAR(few->rate(), all->rate(), 0.025) << rows << " " << hostShare;
      EXPECT_GT(all->rate(), 0.2);
      EXPECT_LT(all->rate(), 0.95);
    }
}

/// Every sixth layer repeats itself at once, the others do not at all.
TEST(HitEstimate, LayersAtRegularDistancesDoNotSpeakForAll) {
  RoutingTrace trace{
      .banks = 48, .experts = 16, .topK = 1, .rows = 400, .ids = {}};
  for (int32_t token = 0; token < 400; ++token)
    for (int32_t bank = 0; bank < 48; ++bank)
      trace.ids.push_back(bank % 6 == 0 ? 0 : token % 16);
  auto few = estimateHits(trace, 96, 1, "lru", 0, 210'000);
  ASSERT_TRUE(few.isOk());
  EXPECT_LE(few->demands, 400u * 16);
  EXPECT_NEAR(few->rate(), 1 / 6.0, 0.06);
}

/// Where eight layers are too many the recording's beginning counts.
TEST(HitEstimate, LongRecordingsAreCut) {
  const RoutingTrace trace = syntheticTrace({8, 32, 4, 1}, {}, 2000);
  auto found = estimateHits(trace, 128, 1, "lru", 0, 1'000'000);
  ASSERT_TRUE(found.isOk());
  // A step looks at 8 * 4 * 128 slots at most: 244 steps.
  EXPECT_LT(found->tokens, 244u);
  EXPECT_GT(found->tokens, 200u);
}

TEST(HitEstimate, CountsTokensThatDiffer) {
  EXPECT_EQ(distinctTokens(oneLayer(4, {1, 1, 1, 1})), 1u);
  EXPECT_EQ(distinctTokens(oneLayer(4, {0, 1, 2, 0})), 3u);
  // Of two layers both must be the same.
  RoutingTrace trace{.banks = 2, .experts = 4, .topK = 1, .rows = 3, .ids = {}};
  trace.ids = {0, 1, 1, 0, 0, 1};
  EXPECT_EQ(distinctTokens(trace), 2u);
}

TEST(HitEstimate, RefusesWhatIsEmpty) {
  EXPECT_FALSE(estimateHits(oneLayer(4, {1, 2}), 0, 1, "lru").isOk());
  EXPECT_FALSE(estimateHits(oneLayer(4, {1, 2}), 1, 0, "lru").isOk());
  EXPECT_FALSE(estimateHits(oneLayer(4, {}), 1, 1, "lru").isOk());
  EXPECT_FALSE(estimateHits(oneLayer(4, {1, 2}), 1, 1, "none").isOk());
}

} // namespace
