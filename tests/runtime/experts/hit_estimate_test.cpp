//===- hit_estimate_test.cpp - Hit rates that a recording can bear --------===//

#include "runtime/experts/hit_estimate.h"
#include "runtime/experts/replay.h"
#include "tests/runtime/experts/traces.h"

#include <gtest/gtest.h>

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

TEST(HitEstimate, TheWarmUpIsNotCounted) {
  // Four misses fill the pool; the other four tokens find what they want.
  HitEstimate found = estimate(oneLayer(4, {0, 1, 2, 3, 0, 1, 0, 2}), 4, 1);
  EXPECT_EQ(found.tokens, 4u);
  EXPECT_EQ(found.demands, 4u);
  EXPECT_EQ(found.hits, 4u);
  EXPECT_EQ(found.demandsPerSlot, 1);
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
  // Five rows are one step: it fills the pool and says nothing.
  found = estimate(trace, 4, 5);
  EXPECT_EQ(found.demands, 0u);
  EXPECT_EQ(found.tokens, 0u);
}

TEST(HitEstimate, AgreesWithTheReplayBehindTheWarmUp) {
  const RoutingTrace trace = syntheticTrace(
      {6, 32, 4, 1}, {.repeat = 0.5, .skew = 1.0, .seed = 3}, 400);
  const HitEstimate found = estimate(trace, 100, 4);
  auto whole = replay(trace, 100, 4, "next_use", 0, 50);
  ASSERT_TRUE(whole.isOk());
  // 128 demands a slot would be more tokens than there are: all are played.
  EXPECT_EQ(found.tokens, 200u);
  EXPECT_EQ(found.demands, whole->demands);
  EXPECT_EQ(found.hits, whole->hits);
  EXPECT_NEAR(found.demandsPerSlot, double(whole->demands) / 100, 1e-12);
}

TEST(HitEstimate, AFewLayersSpeakForAll) {
  const RoutingTrace trace = syntheticTrace(
      {24, 32, 4, 1}, {.repeat = 0.5, .skew = 1.0, .seed = 3}, 600);
  auto all = estimateHits(trace, 240, 1, "next_use", ~uint64_t{0});
  auto few = estimateHits(trace, 240, 1, "next_use", 100'000);
  ASSERT_TRUE(all.isOk() && few.isOk());
  EXPECT_LT(few->demands, all->demands / 3);
  EXPECT_NEAR(few->demandsPerSlot, all->demandsPerSlot,
              0.1 * all->demandsPerSlot);
  EXPECT_NEAR(few->rate(), all->rate(), 0.03);
  EXPECT_GT(all->rate(), 0.4);
  EXPECT_LT(all->rate(), 0.95);
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
