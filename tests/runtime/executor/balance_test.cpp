//===- balance_test.cpp - How many experts the CPU takes ------------------===//

#include "runtime/executor/experts/balance.h"

#include <gtest/gtest.h>

using namespace sluice::experts;

namespace {

// Qwen3-30B-A3B's experts of 9.4 MB: 173 us at 54.5 GB/s, 104 us at 91 GB/s.
constexpr ExpertTimes kOrdinary = {104, 173};

TEST(HostCount, EndsAsEarlyAsWholeExpertsAllow) {
  // 4 on the CPU: max(416, 346); 3 would be max(312, 519), 5 max(520, 173).
  EXPECT_EQ(hostCount(6, 0, kOrdinary), 4u);
  // A CPU at 160 GB/s: 5 take 295, and one copy 173; 4 would be 346.
  EXPECT_EQ(hostCount(6, 0, {59, 173}), 5u);
  // One alone goes where it ends first.
  EXPECT_EQ(hostCount(1, 0, kOrdinary), 1u);
  EXPECT_EQ(hostCount(1, 0, {200, 173}), 0u);
  EXPECT_EQ(hostCount(0, 3, kOrdinary), 0u);
}

TEST(HostCount, CountsWhatIsQueued) {
  // Two copies before: 5 give max(520, 519), 4 max(416, 692), 6 only 624.
  EXPECT_EQ(hostCount(6, 2, kOrdinary), 5u);
  // Nothing for the bus is nothing to wait for.
  EXPECT_EQ(hostCount(2, 9, kOrdinary), 2u);
}

TEST(HostCount, TakesTheLeastOfEqualCounts) {
  EXPECT_EQ(hostCount(1, 0, {1, 1}), 0u);
  EXPECT_EQ(hostCount(2, 0, {1, 1}), 1u);
}

TEST(Balance, BeginsWithThePlan) {
  Balance balance;
  EXPECT_DOUBLE_EQ(balance.times(0.25f).host, 4);
  EXPECT_DOUBLE_EQ(balance.times(0.25f).bus, 1 / 0.75);
  // One side alone says nothing of their ratio.
  balance.ranOnHost(4, 400);
  EXPECT_DOUBLE_EQ(balance.times(0.25f).host, 4);
  balance.moved(2, 500);
  EXPECT_DOUBLE_EQ(balance.times(0.25f).host, 100);
  EXPECT_DOUBLE_EQ(balance.times(0.25f).bus, 250);
}

TEST(Balance, ObeysNoneAndAll) {
  Balance balance;
  balance.ranOnHost(1, 10);
  balance.moved(1, 10);
  EXPECT_EQ(hostCount(6, 0, balance.times(0)), 0u);
  EXPECT_EQ(hostCount(6, 0, balance.times(1)), 6u);
}

TEST(Balance, FollowsWhatItSees) {
  Balance balance;
  balance.ranOnHost(1, 80);
  balance.moved(1, 80);
  balance.ranOnHost(2, 320); // 160 each: an eighth of the way from 80.
  EXPECT_DOUBLE_EQ(balance.times(0.5f).host, 90);
  balance.moved(1, 8000); // No more than twice the mean.
  EXPECT_DOUBLE_EQ(balance.times(0.5f).bus, 90);
  for (int i = 0; i < 100; ++i)
    balance.moved(1, 40);
  EXPECT_NEAR(balance.times(0.5f).bus, 40, 0.1);
}

TEST(Balance, TakesALimitForALimit) {
  Balance balance;
  balance.ranOnHost(1, 80);
  balance.moved(1, 80);
  balance.ranOnHost(1, 100, /*exact=*/false); // It may have taken 10.
  EXPECT_DOUBLE_EQ(balance.times(0.5f).host, 80);
  balance.ranOnHost(1, 40, /*exact=*/false); // An eighth of the way.
  EXPECT_DOUBLE_EQ(balance.times(0.5f).host, 75);
}

TEST(Balance, TriesAgainWhatWasLeftOut) {
  Balance balance;
  balance.ranOnHost(1, 10000); // A first job that took very long.
  balance.moved(1, 100);
  int splits = 0;
  while (hostCount(6, 0, balance.times(0.5f)) == 0) {
    balance.leftOut(true, false);
    ASSERT_LT(++splits, 400);
  }
  EXPECT_GT(splits, 0);
}

} // namespace
