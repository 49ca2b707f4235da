//===- policy_test.cpp - Do policies beat what they must, and not Belady? -===//

#include "runtime/experts/replay.h"
#include "runtime/plan/version.h"
#include "tests/runtime/experts/traces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>

using namespace sluice;
using namespace sluice::experts;

namespace {

static_assert(kPolicyNames.size() == plan::kPolicyCount,
              "plans hold an index into kPolicyNames");

std::unique_ptr<Policy> make(const char *name,
                             const std::vector<uint32_t> &bankExperts,
                             std::span<const float> popularity = {}) {
  auto policy =
      makePolicy(name, {.bankExperts = bankExperts, .popularity = popularity});
  EXPECT_TRUE(policy.isOk());
  return std::move(*policy);
}

ReplayResult run(const char *name, const UseTrace &uses, uint32_t slots) {
  const std::vector<uint32_t> banks(uses.banks, uses.experts);
  return replay(uses, slots, make(name, banks));
}

/// Random groups, every bank in turn, with some memory from step to step.
UseTrace randomUses(std::mt19937 &random) {
  auto below = [&random](uint32_t bound) {
    return static_cast<uint32_t>(random() % bound);
  };
  UseTrace uses;
  uses.banks = 1 + below(4);
  uses.experts = 1 + below(6);
  const uint32_t steps = 1 + below(12), density = 1 + below(4);
  for (uint32_t step = 0; step < steps; ++step)
    for (uint32_t bank = 0; bank < uses.banks; ++bank) {
      for (uint32_t expert = 0; expert < uses.experts; ++expert)
        if (below(4) < density) {
          uses.ids.push_back(bank * uses.experts + expert);
          uses.rows.push_back(1 + below(3));
        }
      uses.ends.push_back(uses.ids.size());
      uses.bank.push_back(bank);
    }
  return uses;
}

/// The most hits that any sequence of evictions has, by trying all of them:
/// before each group the pool holds a set; its members in the group are hits;
/// what is neither in the group nor fits beside it leaves; after it, at most
/// `slots` of the rest and the group stay.
uint64_t bestHits(const UseTrace &uses, uint32_t slots) {
  std::set<std::pair<uint32_t, uint64_t>> states = {{0, 0}}; // (set, hits)
  for (size_t group = 0; group < uses.ends.size(); ++group) {
    uint32_t wanted = 0;
    for (uint32_t id : uses.group(group))
      wanted |= 1u << id;
    const auto size = static_cast<uint32_t>(__builtin_popcount(wanted));
    const uint32_t beside = size >= slots ? 0 : slots - size;
    std::vector<uint64_t> best(size_t{1} << (uses.banks * uses.experts), 0);
    std::set<uint32_t> reached;
    for (const auto &[pool, hits] : states) {
      const uint64_t now =
          hits + static_cast<uint64_t>(__builtin_popcount(pool & wanted));
      const uint32_t others = pool & ~wanted;
      // Every subset of the others that fits, with every subset of the group.
      for (uint32_t kept = others;; kept = (kept - 1) & others) {
        if (static_cast<uint32_t>(__builtin_popcount(kept)) <= beside)
          for (uint32_t stays = wanted;; stays = (stays - 1) & wanted) {
            const uint32_t next = kept | stays;
            if (static_cast<uint32_t>(__builtin_popcount(next)) <= slots) {
              reached.insert(next);
              best[next] = std::max(best[next], now);
            }
            if (stays == 0)
              break;
          }
        if (kept == 0)
          break;
      }
    }
    states.clear();
    for (uint32_t pool : reached)
      states.insert({pool, best[pool]});
  }
  uint64_t most = 0;
  for (const auto &[pool, hits] : states)
    most = std::max(most, hits);
  return most;
}

TEST(Belady, FindsTheOptimumOfSmallTraces) {
  std::mt19937 random(7);
  int tried = 0;
  while (tried < 300) {
    const UseTrace uses = randomUses(random);
    if (uses.banks * uses.experts > 7)
      continue;
    const uint32_t slots = 1 + random() % (uses.banks * uses.experts);
    ASSERT_EQ(beladyHits(uses, slots), bestHits(uses, slots))
        << "trace " << tried << ", " << slots << " slots";
    ++tried;
  }
}

TEST(Belady, IsNeverWorseThanAnyPolicy) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 4000; ++trial) {
    const UseTrace uses = randomUses(random);
    const uint32_t slots = 1 + random() % (uses.banks * uses.experts);
    const uint64_t best = beladyHits(uses, slots);
    for (const char *name : kPolicyNames) {
      const ReplayResult result = run(name, uses, slots);
      ASSERT_EQ(result.demands, uses.ids.size());
      ASSERT_EQ(result.hits + result.misses, result.demands);
      ASSERT_LE(result.hits, best)
          << name << ", trial " << trial << ", " << slots << " slots";
    }
  }
}

TEST(Belady, MissesOnlyOnceWhereAllFits) {
  const RoutingTrace trace = syntheticTrace({3, 16, 4, 1}, {}, 200);
  const UseTrace uses = groupUses(trace, 1);
  std::set<uint32_t> distinct(uses.ids.begin(), uses.ids.end());
  EXPECT_EQ(beladyHits(uses, 48), uses.ids.size() - distinct.size());
  for (const char *name : kPolicyNames)
    EXPECT_EQ(run(name, uses, 48).hits, uses.ids.size() - distinct.size())
        << name;
}

/// Every expert of every layer at every step, as 128 rows use them.
UseTrace scan(uint32_t banks, uint32_t experts, uint32_t steps) {
  UseTrace uses{.banks = banks,
                .experts = experts,
                .ids = {},
                .rows = {},
                .ends = {},
                .bank = {}};
  for (uint32_t step = 0; step < steps; ++step)
    for (uint32_t bank = 0; bank < banks; ++bank) {
      for (uint32_t expert = 0; expert < experts; ++expert)
        uses.ids.push_back(bank * experts + expert);
      uses.ends.push_back(uses.ids.size());
      uses.bank.push_back(bank);
    }
  uses.rows.assign(uses.ids.size(), 8);
  return uses;
}

TEST(Policies, AScanBeatsLruButNotNextUse) {
  constexpr uint32_t kBanks = 24, kExperts = 64, kSteps = 20;
  const UseTrace uses = scan(kBanks, kExperts, kSteps);
  for (double share : {0.2, 0.4, 0.6}) {
    const auto slots = static_cast<uint32_t>(share * kBanks * kExperts);
    EXPECT_EQ(run("lru", uses, slots).hits, 0u);
    // The layer that runs needs its slots; those of the others keep their
    // experts from step to step. The first step hits nothing.
    const double bound = static_cast<double>(slots - kExperts) /
                         ((kBanks - 1) * kExperts) * (kSteps - 1) / kSteps;
    const double rate = run("next_use", uses, slots).hitRate();
    EXPECT_GT(rate, 0.97 * bound) << slots << " slots";
    EXPECT_LE(rate, static_cast<double>(beladyHits(uses, slots)) /
                        static_cast<double>(uses.ids.size()));
  }
}

TEST(Policies, UniformRoutingHitsAsOftenAsSlotsAllow) {
  const RoutingTrace trace =
      syntheticTrace({8, 64, 4, 1}, {.repeat = 0, .skew = 0, .seed = 3}, 3000);
  for (const char *name : kPolicyNames)
    for (double share : {0.25, 0.5, 0.75}) {
      const auto slots = static_cast<uint32_t>(share * 8 * 64);
      const auto result = replay(trace, slots, 1, name, {.expertBytes = 100});
      ASSERT_TRUE(result.isOk());
      EXPECT_NEAR(result->hitRate(), share, 0.05) << name;
      EXPECT_EQ(result->bytes, result->misses * 100);
    }
}

TEST(Policies, SkewRewardsFrequency) {
  const RoutingTrace trace = syntheticTrace(
      {8, 64, 4, 1}, {.repeat = 0, .skew = 1.0, .seed = 3}, 3000);
  const auto rate = [&](const char *name) {
    return replay(trace, 128, 1, name)->hitRate();
  };
  EXPECT_GT(rate("next_use"), rate("lru") + 0.05);
  EXPECT_GT(rate("lfu"), rate("lru") + 0.05);
}

TEST(Policies, RepeatsRewardRecency) {
  const RoutingTrace trace = syntheticTrace(
      {8, 64, 4, 1}, {.repeat = 0.7, .skew = 0, .seed = 3}, 3000);
  const auto rate = [&](const char *name) {
    return replay(trace, 128, 1, name)->hitRate();
  };
  EXPECT_GT(rate("lru"), rate("lfu") + 0.02);
  EXPECT_GT(rate("next_use"), rate("lfu") + 0.02);
}

TEST(Policies, VictimsAreByTheirRule) {
  // Two banks of two: ids 0 1 | 2 3, all in slots of the same number.
  const std::vector<uint32_t> banks = {2, 2}, owners = {0, 1, 2, 3};
  const std::vector<uint8_t> all = {1, 1, 1, 1}, none = {0, 0, 0, 0};
  auto used = [&](const char *name, std::vector<std::vector<uint32_t>> steps) {
    auto policy = make(name, banks);
    for (const auto &step : steps) {
      policy->onStep();
      for (uint32_t id : step)
        policy->onUse(id, 1);
    }
    EXPECT_EQ(policy->victim(owners, none, 0), kNone) << name;
    return policy->victim(owners, all, 1);
  };
  EXPECT_EQ(used("lru", {{1, 0, 3, 2}, {1, 2}}), 0u);
  EXPECT_EQ(used("lfu", {{0, 1, 2}, {0, 1, 2}, {3}, {3}, {3}, {0, 1}}), 2u);
  // 0: 3 uses / 4 steps old; 1: 1 use / 1; 2: 2 / 2; 3: 1 / 2.
  EXPECT_EQ(used("lfru", {{0}, {0}, {0, 2}, {}, {3, 2}, {1}}), 3u);
  // All used always: the layer just left comes round last, and of its experts
  // the first slot goes.
  EXPECT_EQ(used("next_use", {{0, 1, 2, 3}, {0, 1, 2, 3}}), 2u);
  // Of a rarer one the next use is farther than that.
  EXPECT_EQ(used("next_use", {{0, 1, 2, 3}, {0, 2, 3}}), 1u);
}

TEST(Policies, NextUseKnowsThePopularityOfUnseenExperts) {
  const std::vector<uint32_t> banks = {4}, owners = {0, 1, 2, 3};
  const std::vector<uint8_t> all = {1, 1, 1, 1};
  const std::vector<float> popularity = {0.5f, 0.1f, 0.02f, 0.3f};
  EXPECT_EQ(make("next_use", banks, popularity)->victim(owners, all, 0), 2u);
}

// Expert 0 is used in every second step, 1 in three of four: 0 leaves, unless
// its miss costs that much more. Only next_use looks at costs.
TEST(Policies, NextUseKeepsWhatIsDearToMiss) {
  const std::vector<uint32_t> banks = {2};
  auto victimOf = [&](const char *name, std::span<const float> missCost) {
    auto made = makePolicy(name, {.bankExperts = banks, .missCost = missCost});
    EXPECT_TRUE(made.isOk());
    Policy &policy = **made;
    for (int step = 0; step < 200; ++step) {
      policy.onStep();
      if (step % 2 == 0)
        policy.onUse(0, 1);
      if (step % 4 != 2)
        policy.onUse(1, 1);
    }
    return policy.victim(std::array<uint32_t, 2>{0, 1},
                         std::array<uint8_t, 2>{1, 1}, 0);
  };
  EXPECT_EQ(victimOf("next_use", {}), 0u);
  EXPECT_EQ(victimOf("next_use", std::array{1.1f, 1.0f}), 0u);
  EXPECT_EQ(victimOf("next_use", std::array{200.0f, 1.0f}), 1u);
  EXPECT_EQ(victimOf("next_use", std::array{1.0f, 200.0f}), 0u);
  for (const char *name : {"lru", "lfu", "lfru"})
    EXPECT_EQ(victimOf(name, std::array{200.0f, 1.0f}), 0u) << name;
}

TEST(Policies, RefuseAnUnknownName) {
  const std::vector<uint32_t> banks = {4};
  const auto policy = makePolicy("random", {.bankExperts = banks});
  ASSERT_FALSE(policy.isOk());
  EXPECT_EQ(policy.status().message(),
            "expert policy: found 'random', expected one of lru, lfu, lfru, "
            "next_use");
}

TEST(ComparePolicies, EveryPolicyIsAtMostBelady) {
  const RoutingTrace trace =
      syntheticTrace({6, 32, 4, 1}, {.repeat = 0.3, .skew = 1, .seed = 5}, 400);
  const double shares[] = {0.2, 0.4, 0.6, 1.0};
  const uint32_t rows[] = {1, 8};
  const auto all = comparePolicies(trace, shares, rows);
  ASSERT_TRUE(all.isOk()) << all.status().message();
  ASSERT_EQ(all->size(), 8u);
  for (size_t i = 0; i < all->size(); ++i) {
    const PolicyRates &one = (*all)[i];
    EXPECT_EQ(one.rowsPerStep, rows[i / 4]);
    EXPECT_EQ(one.residency, shares[i % 4]);
    EXPECT_EQ(one.slots, static_cast<unsigned>(one.residency * 192 + 1e-6));
    for (double rate : one.rates) {
      EXPECT_LE(rate, one.belady) << i;
      EXPECT_GE(rate, 0) << i;
    }
    if (i % 4 > 0) {
      EXPECT_GE(one.belady, (*all)[i - 1].belady) << i;
    }
  }
}

TEST(ComparePolicies, RefusesWhatHasNoMeaning) {
  const RoutingTrace trace = syntheticTrace({2, 8, 2, 1}, {}, 10);
  const double half[] = {0.5}, tooMuch[] = {1.5}, zero[] = {0.0};
  const uint32_t one[] = {1}, many[] = {11}, noRows[] = {0};
  EXPECT_TRUE(comparePolicies(trace, half, one).isOk());
  EXPECT_FALSE(comparePolicies(trace, tooMuch, one).isOk());
  EXPECT_FALSE(comparePolicies(trace, zero, one).isOk());
  EXPECT_FALSE(comparePolicies(trace, half, many).isOk());
  EXPECT_FALSE(comparePolicies(trace, half, noRows).isOk());
  EXPECT_FALSE(comparePolicies(RoutingTrace(), half, one).isOk());
  EXPECT_FALSE(replay(trace, 0, 1, "lru").isOk());
  EXPECT_FALSE(replay(trace, 1, 0, "lru").isOk());
}

} // namespace
