//===- klotski_test.cpp - Klotski's constraints by hand -------------------===//
#include "compiler/analysis/expected_union.h"
#include "compiler/analysis/klotski.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace sluice {
namespace {

/// tA 2, tG 1, tE 3, tHot 4, iA 5, iG 6, iE 10; K = 2 and three cold experts.
///   (4) 2n      >= 6                          n >= 3
///   (5) 3n      >= 6 + 20 = 26                n >= 9
///   (6) 3n + 4  >= 6 + 30 = 36                n >= 11
///   (7) 3n + 4 + 9 >= 6 + 50 + 5 = 61         n >= 16
constexpr KlotskiLatencies kLatencies = {.attention = 2,
                                         .gate = 1,
                                         .expert = 3,
                                         .hotExpert = 4,
                                         .attentionIo = 5,
                                         .gateIo = 6,
                                         .expertIo = 10};
constexpr KlotskiDemand kDemand = {.hot = 2, .cold = 3};

TEST(Klotski, SidesOfEachConstraint) {
  KlotskiCheck check = checkKlotski(kLatencies, kDemand, 10);
  ASSERT_EQ(check.batches, 10);
  const double sides[4][2] = {{20, 6}, {30, 26}, {34, 36}, {43, 61}};
  for (int i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(check.constraints[i].left, sides[i][0]) << i;
    EXPECT_DOUBLE_EQ(check.constraints[i].right, sides[i][1]) << i;
  }
  EXPECT_FALSE(check.holds());
  EXPECT_STREQ(check.binding().name, "(7) next attention");
  EXPECT_DOUBLE_EQ(check.binding().slack(), -18);
}

TEST(Klotski, SmallestNumberOfBatches) {
  auto at = [](int64_t n) { return checkKlotski(kLatencies, kDemand, n); };
  EXPECT_FALSE(at(15).holds());
  EXPECT_TRUE(at(16).holds());
  std::optional<KlotskiCheck> found = smallestBatches(at, 100);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->batches, 16);
  EXPECT_DOUBLE_EQ(found->binding().slack(), 0);
  EXPECT_FALSE(smallestBatches(at, 15));

  // Without cold experts and a gate that stays: (5), 3n >= 20.
  KlotskiLatencies stays = kLatencies;
  stays.gateIo = stays.attentionIo = 0;
  found = smallestBatches(
      [&](int64_t n) { return checkKlotski(stays, {.hot = 2}, n); }, 100);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->batches, 7);
}

/// More batches demand more experts: what holds at n may fail at n + 1.
TEST(Klotski, SearchesWhereDemandGrows) {
  KlotskiLatencies t{.attention = 1, .expertIo = 1};
  auto at = [&t](int64_t n) {
    return checkKlotski(t, {.hot = 0, .cold = n < 4 ? 8.0 : 3.0}, n);
  };
  std::optional<KlotskiCheck> found = smallestBatches(at, 10);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->batches, 4);
}

/// The closed-form table of Qwen3-30B-A3B (E = 128, k = 8, t_io = 0.387 ms,
/// t_attn = 0.024 ms): T(n) = max(n t_attn, U(n) t_io). Attentions would hide
/// all of U(128) = 127.97 experts from n = 49.52 / 0.024 = 2064 on, and the K
/// hottest from 8 * 0.387 / 0.024 = 129 on.
TEST(Klotski, TableOfQwen3) {
  const struct {
    int64_t batches;
    double unique, layerMs, speedup;
  } lines[] = {{1, 8.0, 3.096, 1.0},
               {4, 29.1230, 11.2706, 1.0988},
               {8, 51.6199, 19.9769, 1.2398},
               {16, 82.4225, 31.8975, 1.5530},
               {32, 111.7710, 43.2554, 2.2904},
               {64, 125.9423, 48.7397, 4.0654},
               {128, 127.9669, 49.5232, 8.0021}};
  for (const auto &line : lines) {
    const double n = static_cast<double>(line.batches);
    const double unique = expectedUnion(128, 8, n);
    const double layer = std::max(n * 0.024, unique * 0.387);
    EXPECT_NEAR(unique, line.unique, 2e-4) << n;
    EXPECT_NEAR(layer, line.layerMs, 1e-3) << n;
    EXPECT_NEAR(n * 3.096 / layer, line.speedup, 1e-4) << n;
  }
  const KlotskiLatencies t{.attention = 0.024, .expertIo = 0.387};
  auto at = [&t](int64_t n) {
    const double unique = expectedUnion(128, 8, static_cast<double>(n));
    const double hot = std::min(8.0, unique);
    return checkKlotski(t, {.hot = hot, .cold = unique - hot}, n);
  };
  EXPECT_FALSE(at(128).constraints[1].holds());
  EXPECT_TRUE(at(129).constraints[1].holds());
  std::optional<KlotskiCheck> found = smallestBatches(at, 4096);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->batches, 2064);
}

/// Routers that draw 8 of 128, evenly and by weight, against the formula.
TEST(ExpectedUnion, AgreesWithSimulation) {
  std::mt19937_64 random(7);
  constexpr int kExperts = 128, kTopK = 8, kSteps = 4000;
  for (bool skewed : {false, true}) {
    std::vector<double> weights(kExperts, 1);
    if (skewed)
      for (int e = 0; e < kExperts; ++e)
        weights[e] = 1.0 / (1 + e);
    auto draw = [&](std::vector<bool> &used) {
      // Gumbel top-k: k experts without repetition, by weight.
      std::array<std::pair<double, int>, kExperts> keys;
      std::uniform_real_distribution<double> uniform(1e-12, 1);
      for (int e = 0; e < kExperts; ++e)
        keys[e] = {std::log(weights[e]) - std::log(-std::log(uniform(random))),
                   e};
      std::partial_sort(keys.begin(), keys.begin() + kTopK, keys.end(),
                        std::greater());
      for (int i = 0; i < kTopK; ++i)
        used[keys[i].second] = true;
    };
    std::vector<float> popularity(kExperts, 0);
    for (int step = 0; step < 20000; ++step) {
      std::vector<bool> used(kExperts);
      draw(used);
      for (int e = 0; e < kExperts; ++e)
        popularity[e] += used[e] ? 1.0F / 20000 : 0;
    }
    for (int n : {1, 4, 16, 64}) {
      double sum = 0;
      const int steps = kSteps / n;
      for (int step = 0; step < steps; ++step) {
        std::vector<bool> used(kExperts);
        for (int row = 0; row < n; ++row)
          draw(used);
        sum += static_cast<double>(std::ranges::count(used, true));
      }
      EXPECT_NEAR(expectedUnion(popularity, n) / (sum / steps), 1, 0.015)
          << n << (skewed ? " skewed" : " even");
      if (!skewed) {
        EXPECT_NEAR(expectedUnion(kExperts, kTopK, n) / (sum / steps), 1, 0.015)
            << n;
      }
    }
  }
}

TEST(ExpectedUnion, Edges) {
  EXPECT_EQ(expectedUnion(8, 8, 3), 8);
  EXPECT_EQ(expectedUnion(8, 2, 0), 0);
  EXPECT_EQ(useProbability(0, 100), 0);
  EXPECT_EQ(useProbability(1, 1), 1);
  EXPECT_EQ(useProbability(2, 1), 1); // a count above 1 is certainty
  EXPECT_NEAR(useProbability(1e-18, 5), 5e-18, 1e-24);
}

} // namespace
} // namespace sluice
