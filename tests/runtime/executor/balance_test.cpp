//===- balance_test.cpp - How many experts the CPU takes ------------------===//

#include "runtime/executor/experts/balance.h"

#include <gtest/gtest.h>

using namespace sluice::experts;

namespace {

// Qwen3-30B-A3B's experts of 9.4 MB: 173 us at 54.5 GB/s, 104 us at 91 GB/s.
constexpr ExpertTimes kOrdinary = {104, 173};

Division whole(uint32_t missing, uint32_t queued, const ExpertTimes &times) {
  return divide(missing, queued, 0, times);
}

TEST(Divide, EndsAsEarlyAsWholeExpertsAllow) {
  // 4 on the CPU: max(416, 346); 3 would be max(312, 519), 5 max(520, 173).
  EXPECT_EQ(whole(6, 0, kOrdinary), (Division{4, false}));
  // A CPU at 160 GB/s: 5 take 295, and one copy 173; 4 would be 346.
  EXPECT_EQ(whole(6, 0, {59, 173}), (Division{5, false}));
  // One alone goes where it ends first.
  EXPECT_EQ(whole(1, 0, kOrdinary), (Division{1, false}));
  EXPECT_EQ(whole(1, 0, {200, 173}), (Division{0, false}));
  EXPECT_EQ(whole(0, 3, kOrdinary), (Division{0, false}));
}

TEST(Divide, CountsWhatIsQueued) {
  // Two copies before: 5 give max(520, 519), 4 max(416, 692), 6 only 624.
  EXPECT_EQ(whole(6, 2, kOrdinary), (Division{5, false}));
  // Nothing for the bus is nothing to wait for.
  EXPECT_EQ(whole(2, 9, kOrdinary), (Division{2, false}));
}

TEST(Divide, TakesTheLeastOfEqualCounts) {
  EXPECT_EQ(whole(1, 0, {1, 1}), (Division{0, false}));
  EXPECT_EQ(whole(2, 0, {1, 1}), (Division{1, false}));
}

TEST(Divide, SharesOneWhereBothEndEarlierThen) {
  constexpr double kFront = 2.0 / 3;
  // 3 and two thirds on the CPU take 381, 2 and a third on the bus 404: the
  // best of whole ones, 4 and 2, takes 416.
  EXPECT_EQ(divide(6, 0, kFront, kOrdinary), (Division{3, true}));
  // 3 and two thirds would be 381 here too, 3 and 2 are 346.
  EXPECT_EQ(divide(5, 0, kFront, kOrdinary), (Division{3, false}));
  // One alone: 69 on the CPU, then 58 on the bus beside it, instead of 104.
  EXPECT_EQ(divide(1, 0, kFront, kOrdinary), (Division{0, true}));
  // What is queued makes the bus no place for a third more.
  EXPECT_EQ(divide(1, 1, kFront, kOrdinary), (Division{1, false}));
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
  for (double front : {0.0, 0.5}) {
    EXPECT_EQ(divide(6, 0, front, balance.times(0)), (Division{0, false}));
    EXPECT_EQ(divide(6, 0, front, balance.times(1)), (Division{6, false}));
  }
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

TEST(Balance, LearnsNothingFromAPart) {
  Balance balance;
  balance.ranOnHost(1, 80);
  balance.moved(1, 80);
  balance.moved(1.0 / 3, 80);
  balance.ranOnHost(2.0 / 3, 80);
  EXPECT_DOUBLE_EQ(balance.times(0.5f).bus, 80);
  EXPECT_DOUBLE_EQ(balance.times(0.5f).host, 80);
  balance.moved(4.0 / 3, 160); // 120 each: an eighth of the way from 80.
  EXPECT_DOUBLE_EQ(balance.times(0.5f).bus, 85);
}

TEST(Balance, TriesAgainWhatWasLeftOut) {
  Balance balance;
  balance.ranOnHost(1, 10000); // A first job that took very long.
  balance.moved(1, 100);
  int splits = 0;
  while (whole(6, 0, balance.times(0.5f)).host == 0) {
    balance.leftOut(true, false);
    ASSERT_LT(++splits, 400);
  }
  EXPECT_GT(splits, 0);
}

} // namespace
