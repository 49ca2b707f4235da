//===- balance_test.cpp - How many experts the CPU takes ------------------===//

#include "runtime/executor/experts/balance.h"
#include "runtime/executor/experts/bus_progress.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace sluice::experts;

namespace {

// Qwen3-30B-A3B's experts of 9.4 MB: 173 us at 54.5 GB/s, 104 us at 91 GB/s.
constexpr ExpertTimes kOrdinary = {104, 173};

uint32_t whole(uint32_t missing, uint32_t queued, const ExpertTimes &times) {
  return divide(missing, queued, 0, times);
}

TEST(Divide, EndsAsEarlyAsWholeExpertsAllow) {
  // 4 on the CPU: max(416, 346); 3 would be max(312, 519), 5 max(520, 173).
  EXPECT_EQ(whole(6, 0, kOrdinary), 4u);
  // A CPU at 160 GB/s: 5 take 295, and one copy 173; 4 would be 346.
  EXPECT_EQ(whole(6, 0, {59, 173}), 5u);
  // One alone goes where it ends first.
  EXPECT_EQ(whole(1, 0, kOrdinary), 1u);
  EXPECT_EQ(whole(1, 0, {200, 173}), 0u);
  EXPECT_EQ(whole(0, 3, kOrdinary), 0u);
}

TEST(Divide, CountsWhatIsQueued) {
  // Two copies before: 5 give max(520, 519), 4 max(416, 692), 6 only 624.
  EXPECT_EQ(whole(6, 2, kOrdinary), 5u);
  // Nothing for the bus is nothing to wait for.
  EXPECT_EQ(whole(2, 9, kOrdinary), 2u);
}

TEST(Divide, TakesTheLeastOfEqualCounts) {
  EXPECT_EQ(whole(1, 0, {1, 1}), 0u);
  EXPECT_EQ(whole(2, 0, {1, 1}), 1u);
}

TEST(Divide, TakesOneMoreWhereTheBusTakesOver) {
  constexpr double kTail = 1.0 / 3;
  // Both end together with 3.75 on the CPU: 4, a quarter of one goes back.
  EXPECT_EQ(divide(6, 0, kTail, kOrdinary), 4u);
  // 3.12: of 4 the bus takes 0.88, less than the 1.33 that it may.
  EXPECT_EQ(divide(5, 0, kTail, kOrdinary), 4u);
  EXPECT_EQ(whole(5, 0, kOrdinary), 3u);
  // 0.25 of 1: it may take 0.33 only, and 2 on the bus end before 0.67 and 1.33
  // on a slow CPU.
  EXPECT_EQ(divide(2, 0, kTail, {700, 100}), 0u);
  // 4.99 on the CPU: 5 would leave nothing to take over should it be faster; of
  // 6 the bus takes 1.01.
  EXPECT_EQ(divide(8, 0, kTail, {104, 172.6}), 6u);
  // The bus would have nothing to begin with.
  EXPECT_EQ(divide(2, 0, kTail, {100, 101}), 1u);
  // Of one alone 0.38 should go back, a third may: 69 on the CPU.
  EXPECT_EQ(divide(1, 0, kTail, kOrdinary), 1u);
  // Nothing should: 173 are queued.
  EXPECT_EQ(divide(1, 1, kTail, kOrdinary), 1u);
  // All that is there may go back and still the CPU is best left out.
  EXPECT_EQ(divide(3, 0, 1, {1e9, 1}), 0u);
}

TEST(HandOver, LetsBothEndTogether) {
  // 0.5 experts: the CPU does 100 us less, the bus 100 more.
  EXPECT_DOUBLE_EQ(handOver(300, 100, {200, 200}), 0.5);
  EXPECT_DOUBLE_EQ(handOver(377, 100, {104, 173}), 1);
  EXPECT_EQ(handOver(100, 100, {104, 173}), 0);
  EXPECT_EQ(handOver(100, 150, {104, 173}), 0);
}

TEST(HandOver, TakesTheCpuAsItWasSoFar) {
  // Of four experts half is read after 200 us: 100 each, 200 to go. The bus has
  // 50 to go and takes 200 each: half an expert, and both end after 150.
  EXPECT_DOUBLE_EQ(handOver(HostProgress{4, 0.5, 200}, 50, 200), 0.5);
  // A CPU twice as slow: 400 to go, 350 more than the bus.
  EXPECT_DOUBLE_EQ(handOver(HostProgress{4, 0.5, 400}, 50, 200), 0.875);
  EXPECT_EQ(handOver(HostProgress{4, 0.5, 200}, 300, 200), 0);
  // Nothing is known, and nothing is left.
  EXPECT_EQ(handOver(HostProgress{4, 1, 10}, 50, 200), 0);
  EXPECT_EQ(handOver(HostProgress{4, 0, 400}, 50, 200), 0);
}

TEST(Balance, BeginsWithThePlan) {
  Balance balance(1);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.25f).host, 4);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.25f).bus, 1 / 0.75);
  // One side alone says nothing of their ratio.
  balance.ranOnHost(0, 4, 400);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.25f).host, 4);
  balance.moved(0, 2, 500, true);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.25f).host, 100);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.25f).bus, 250);
}

TEST(Balance, ObeysNoneAndAll) {
  Balance balance(1);
  balance.ranOnHost(0, 1, 10);
  balance.moved(0, 1, 10, true);
  for (double front : {0.0, 0.5}) {
    EXPECT_EQ(divide(6, 0, front, balance.times(0, 0)), 0u);
    EXPECT_EQ(divide(6, 0, front, balance.times(0, 1)), 6u);
  }
}

TEST(Balance, FollowsWhatItSees) {
  Balance balance(3);
  balance.ranOnHost(0, 1, 80);
  balance.moved(0, 1, 80, true);
  // 160 each: all banks an eighth of the way from 80, and this one by a third
  // of twice more. What was not seen is their mean.
  balance.ranOnHost(1, 2, 320);
  EXPECT_NEAR(balance.times(0, 0.5f).host, 90, 1e-9);
  EXPECT_NEAR(balance.times(1, 0.5f).host, 120, 1e-9);
  EXPECT_NEAR(balance.times(2, 0.5f).host, 105, 1e-9);
  balance.moved(1, 1, 8000, true); // No more than twice the mean.
  EXPECT_NEAR(balance.times(2, 0.5f).bus, 105, 1e-9);
  for (int i = 0; i < 300; ++i)
    for (uint32_t bank : {0, 1, 2})
      balance.moved(bank, 1, 40, true);
  for (uint32_t bank : {0, 1, 2})
    EXPECT_NEAR(balance.times(bank, 0.5f).bus, 40, 0.1) << bank;
}

TEST(Balance, KnowsBanksApart) {
  Balance balance(4);
  for (int step = 0; step < 100; ++step)
    for (uint32_t bank = 0; bank < 4; ++bank) {
      balance.ranOnHost(bank, 1, bank == 2 ? 180 : 100);
      balance.moved(bank, 1, bank == 2 ? 270 : 200, true);
    }
  EXPECT_NEAR(balance.times(2, 0.5f).host, 180, 2);
  EXPECT_NEAR(balance.times(2, 0.5f).bus, 270, 2);
  for (uint32_t bank : {0, 1, 3}) {
    EXPECT_NEAR(balance.times(bank, 0.5f).host, 100, 2) << bank;
    EXPECT_NEAR(balance.times(bank, 0.5f).bus, 200, 2) << bank;
  }
  // What changes for all is learned from the others: half as fast again, and
  // after eight banks most of the way, also for those that were not seen.
  const double before = balance.times(2, 0.5f).bus;
  for (int i = 0; i < 4; ++i)
    for (uint32_t bank : {0, 1})
      balance.moved(bank, 1, 300, true);
  EXPECT_GT(balance.times(2, 0.5f).bus, 1.25 * before);
  EXPECT_LT(balance.times(2, 0.5f).bus, 1.5 * before);
}

/// However long it runs with whatever noise, what is known stays true, and what
/// was never seen is taken for the mean.
TEST(Balance, DoesNotRunAway) {
  constexpr uint32_t kBanks = 12;
  std::mt19937 random(1);
  std::normal_distribution<double> noise(1, 0.2);
  for (bool leavesOut : {false, true}) {
    Balance balance(kBanks + 1);
    for (int step = 0; step < 20000; ++step)
      for (uint32_t bank = 0; bank < kBanks; ++bank) {
        if (leavesOut && (step + bank) % 3 == 0)
          balance.leftOut(bank, true, false);
        else
          balance.ranOnHost(bank, 4, 400 * std::max(noise(random), 0.2));
        balance.moved(bank, 2, 400 * std::max(noise(random), 0.2), true);
      }
    const ExpertTimes unseen = balance.times(kBanks, 0.5f);
    EXPECT_NEAR(unseen.host, 100, 25) << leavesOut;
    EXPECT_NEAR(unseen.bus, 200, 50) << leavesOut;
    for (uint32_t bank = 0; bank < kBanks; ++bank) {
      EXPECT_NEAR(balance.times(bank, 0.5f).host, 100, 35) << bank;
      EXPECT_NEAR(balance.times(bank, 0.5f).bus, 200, 70) << bank;
    }
  }
}

TEST(Balance, LearnsNothingFromAPart) {
  Balance balance(2);
  balance.ranOnHost(0, 1, 80);
  balance.moved(0, 1, 80, true);
  balance.moved(0, 1.0 / 3, 80, true);
  balance.ranOnHost(0, 2.0 / 3, 80);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.5f).bus, 80);
  EXPECT_DOUBLE_EQ(balance.times(0, 0.5f).host, 80);
  // 120 each: an eighth of the way from 80, and a quarter of half more.
  balance.moved(0, 4.0 / 3, 160, true);
  EXPECT_NEAR(balance.times(0, 0.5f).bus, 85 * 1.125, 1e-9);
}

TEST(Balance, TakesTheMostForNoMore) {
  Balance balance(1);
  balance.ranOnHost(0, 1, 80);
  balance.moved(0, 1, 160, false); // Better than nothing.
  EXPECT_DOUBLE_EQ(balance.times(0, 0.5f).bus, 160);
  balance.moved(0, 1, 200, false); // May have been 160.
  EXPECT_DOUBLE_EQ(balance.times(0, 0.5f).bus, 160);
  balance.moved(0, 1, 80, false);
  EXPECT_LT(balance.times(0, 0.5f).bus, 150);
}

TEST(Balance, TriesAgainWhatWasLeftOut) {
  Balance balance(2);
  balance.moved(0, 1, 100, true);
  balance.ranOnHost(0, 1, 10000); // A first job that took very long.
  auto count = [&](uint32_t bank) {
    int splits = 0;
    for (; whole(6, 0, balance.times(bank, 0.5f)) == 0; ++splits) {
      if (splits == 400)
        break;
      balance.leftOut(bank, true, false);
    }
    return splits;
  };
  EXPECT_GT(count(0), 0);
  EXPECT_LT(count(0), 400);
  // Or of one bank alone.
  for (int i = 0; i < 40; ++i)
    balance.ranOnHost(1, 1, 1e6);
  EXPECT_GT(count(1), 0);
  EXPECT_LT(count(1), 400);
}

TEST(BusProgress, TakesWhatItSeesForWhatIsLeft) {
  BusProgress bus;
  bus.reserve(8);
  bus.begin(1000, 200);
  EXPECT_EQ(bus.waiting(), 0u);
  EXPECT_DOUBLE_EQ(bus.endUs(1000), 1000);
  for (uint32_t event : {7, 8, 9})
    bus.add(event, 1, 1000);
  EXPECT_DOUBLE_EQ(bus.added(), 3);
  EXPECT_DOUBLE_EQ(bus.endUs(1000), 1600);
  bus.looked(1255);
  EXPECT_EQ(bus.event(), 7u);
  bus.arrive();
  bus.looked(1260); // 260 each.
  EXPECT_EQ(bus.event(), 8u);
  EXPECT_EQ(bus.waiting(), 2u);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 260);
  EXPECT_DOUBLE_EQ(bus.endUs(1260), 1780);
  EXPECT_FALSE(bus.moved());
  bus.looked(1515);
  bus.arrive();
  bus.looked(1520);
  bus.looked(1775);
  bus.arrive();
  bus.looked(1780);
  ASSERT_TRUE(bus.moved());
  EXPECT_DOUBLE_EQ(bus.moved()->experts, 3);
  EXPECT_DOUBLE_EQ(bus.moved()->us, 780);
  EXPECT_TRUE(bus.moved()->isExact);
  // A third of an expert behind a pause, which does not count. What so little
  // takes does not say what a whole one takes.
  bus.add(10, 1.0 / 3, 2000);
  EXPECT_NEAR(bus.endUs(2000), 2000 + 260.0 / 3, 1e-9);
  EXPECT_DOUBLE_EQ(bus.endUs(5000), 5000);
  bus.looked(2115);
  bus.arrive();
  bus.looked(2120);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 260);
  ASSERT_TRUE(bus.moved());
  EXPECT_DOUBLE_EQ(bus.moved()->experts, 1.0 / 3);
  EXPECT_DOUBLE_EQ(bus.moved()->us, 120);
  EXPECT_NEAR(bus.added(), 3 + 1.0 / 3, 1e-12);
}

TEST(BusProgress, MeasuresFromTheEndOfWhatHadBegunBefore) {
  BusProgress bus;
  bus.reserve(4);
  bus.begin(0, 200);
  bus.addBegun(1); // Has 60 us to go.
  bus.add(2, 1, 0);
  bus.add(3, 1, 0);
  bus.looked(55);
  EXPECT_DOUBLE_EQ(bus.endUs(55), 600); // At most.
  bus.arrive();
  bus.looked(60);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 200);
  EXPECT_DOUBLE_EQ(bus.endUs(60), 460);
  bus.looked(235);
  bus.arrive();
  bus.looked(240);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 180);
  EXPECT_DOUBLE_EQ(bus.endUs(240), 420);
  bus.looked(415);
  bus.arrive();
  bus.looked(420);
  ASSERT_TRUE(bus.moved());
  EXPECT_DOUBLE_EQ(bus.moved()->experts, 2);
  EXPECT_DOUBLE_EQ(bus.moved()->us, 360);
  // Its end not seen: from the next one that is.
  bus.begin(0, 200);
  bus.addBegun(1);
  bus.add(2, 1, 0);
  bus.add(3, 1, 0);
  bus.arrive();
  bus.looked(150);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 200);
  bus.looked(235);
  bus.arrive();
  bus.looked(240);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 200);
  EXPECT_DOUBLE_EQ(bus.endUs(240), 440);
  bus.looked(415);
  bus.arrive();
  bus.looked(420);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 180);
  EXPECT_DOUBLE_EQ(bus.moved()->experts, 1);
  // Nothing but such a one says nothing.
  bus.begin(0, 200);
  bus.addBegun(1);
  bus.looked(55);
  bus.arrive();
  bus.looked(60);
  EXPECT_FALSE(bus.moved());
}

TEST(BusProgress, KnowsNoMoreThanTheMostOfWhatCameUnseen) {
  BusProgress bus;
  bus.reserve(4);
  bus.begin(0, 200);
  for (uint32_t event : {1, 2, 3})
    bus.add(event, 1, 0);
  bus.arrive(); // Nobody asked for 300 us: at 200, as expected, or at 300.
  bus.looked(300);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 200);
  EXPECT_DOUBLE_EQ(bus.endUs(300), 600);
  bus.arrive(); // Two in 320: 160 each at most.
  bus.looked(320);
  EXPECT_DOUBLE_EQ(bus.oneUs(), 160);
  bus.looked(475);
  bus.arrive();
  bus.looked(480);
  EXPECT_TRUE(bus.moved()->isExact);
  // All came unseen.
  bus.begin(0, 200);
  bus.add(1, 1, 0);
  bus.arrive();
  bus.looked(900);
  ASSERT_TRUE(bus.moved());
  EXPECT_FALSE(bus.moved()->isExact);
  EXPECT_DOUBLE_EQ(bus.moved()->us, 900);
}

} // namespace
