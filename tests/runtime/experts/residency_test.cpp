//===- residency_test.cpp - Is the table of slots right? ------------------===//

#include "runtime/experts/residency.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

using namespace sluice;
using namespace sluice::experts;

namespace {

std::unique_ptr<Policy> make(std::string_view name,
                             const std::vector<uint32_t> &bankExperts) {
  auto policy = makePolicy(name, {.bankExperts = bankExperts});
  EXPECT_TRUE(policy.isOk());
  return std::move(*policy);
}

TEST(Residency, NumbersExpertsThroughBanksOfAnySize) {
  const std::vector<uint32_t> banks = {3, 1, 4};
  Residency table(2, banks, make("lru", banks));
  EXPECT_EQ(table.experts(), 8u);
  EXPECT_EQ(table.slots(), 2u);
  EXPECT_EQ(table.id(2, 3), 7u);
  EXPECT_EQ(table.bankOf(3), 1u);
  EXPECT_EQ(table.bankOf(4), 2u);
  EXPECT_EQ(table.expertOf(7), 3u);
}

TEST(Residency, ASlotGoesThroughItsStates) {
  const std::vector<uint32_t> banks = {4};
  Residency table(1, banks, make("lru", banks), 10);
  EXPECT_EQ(table.state(0), SlotState::Free);
  table.beginStep();
  table.use(2, 1);
  ASSERT_EQ(table.take(2), 0u);
  EXPECT_EQ(table.slotOf(2), 0u);
  EXPECT_EQ(table.ownerOf(0), 2u);
  EXPECT_EQ(table.state(0), SlotState::Arriving);
  EXPECT_TRUE(table.isHeld(0));
  EXPECT_EQ(table.take(3), kNone) << "it arrives and is held";
  table.release(0);
  EXPECT_EQ(table.take(3), kNone) << "it still arrives";
  table.arrived(0);
  table.hold(0);
  EXPECT_EQ(table.take(3), kNone) << "it is held";
  table.release(0);
  EXPECT_EQ(table.take(3), 0u);
  EXPECT_EQ(table.slotOf(2), kNone);
  table.forget(0);
  EXPECT_EQ(table.state(0), SlotState::Free);
  EXPECT_EQ(table.ownerOf(0), kNone);
  EXPECT_FALSE(table.isHeld(0));
  table.forget(0); // nothing left to forget
  EXPECT_EQ(table.take(1), 0u);
  EXPECT_EQ(table.counters().evictions, 1u);
  EXPECT_EQ(table.counters().fetchedBytes, 30u);
}

TEST(Residency, CountsWhatPrefetchWonAndWasted) {
  const std::vector<uint32_t> banks = {8};
  Residency table(2, banks, make("lru", banks), 100);
  auto prefetch = [&](uint32_t id) {
    const uint32_t slot = table.take(id, Purpose::Prefetch);
    table.arrived(slot);
    table.release(slot);
    return slot;
  };
  const uint32_t used = prefetch(0);
  prefetch(1);
  table.use(0, 3);
  table.use(0, 1); // used already: no second win
  EXPECT_EQ(table.counters().prefetchUsed, 1u);
  prefetch(2); // evicts 1, never used
  EXPECT_EQ(table.counters().wastedBytes, 100u);
  table.forget(table.slotOf(2));
  EXPECT_EQ(table.counters().wastedBytes, 200u);
  table.forget(used);
  EXPECT_EQ(table.counters().wastedBytes, 200u) << "it was used";
  table.take(5, Purpose::Load);
  table.ranOnHost(6, 100);
  // Of another that the CPU was given the last 30 bytes move, and of one
  // nothing after all.
  for (uint32_t id : {7, 2}) {
    table.ranOnHost(id, 100);
    const uint32_t slot = table.take(id);
    table.handedOver(id, id == 7 ? 30 : 0);
    table.forget(slot);
  }
  table.droppedPrefetches(3);
  const Counters &counters = table.counters();
  EXPECT_EQ(counters.demands, 2u);
  EXPECT_EQ(counters.hits, 2u);
  EXPECT_EQ(counters.prefetched, 3u);
  EXPECT_EQ(counters.prefetchedBytes, 300u);
  EXPECT_EQ(counters.fetchedBytes, 30u);
  EXPECT_EQ(counters.evictions, 1u);
  EXPECT_EQ(counters.hostExperts, 3u);
  EXPECT_EQ(counters.hostBytes, 270u);
  EXPECT_EQ(counters.prefetchDropped, 3u);
  EXPECT_EQ(counters.hitRate(), 1.0);
  const Counters none = counters.since(counters);
  EXPECT_EQ(none.prefetched, 0u);
  EXPECT_EQ(none.hitRate(), 0.0);
}

/// The same rules with maps and no arrays; it follows the table's choice of
/// slot and says whether it was allowed.
struct Model {
  struct Slot {
    uint32_t owner;
    bool arriving, held, unusedPrefetch;
  };
  uint32_t slots;
  std::map<uint32_t, Slot> taken;
  Counters sums;
  uint64_t bytes;

  std::optional<uint32_t> slotOf(uint32_t id) const {
    for (const auto &[slot, entry] : taken)
      if (entry.owner == id)
        return slot;
    return std::nullopt;
  }
  bool isEvictable(uint32_t slot) const {
    const auto at = taken.find(slot);
    return at != taken.end() && !at->second.arriving && !at->second.held;
  }
  bool anyEvictable() const {
    for (const auto &[slot, entry] : taken)
      if (isEvictable(slot))
        return true;
    return false;
  }
  void drop(uint32_t slot) {
    if (taken.at(slot).unusedPrefetch)
      sums.wastedBytes += bytes;
    taken.erase(slot);
  }
};

class RandomOperations : public testing::TestWithParam<const char *> {};

TEST_P(RandomOperations, AgreeWithTheModel) {
  std::mt19937 random(11);
  auto below = [&random](uint32_t bound) {
    return static_cast<uint32_t>(random() % bound);
  };
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<uint32_t> banks(1 + below(4));
    for (uint32_t &bank : banks)
      bank = 1 + below(5);
    const uint32_t slots = 1 + below(8);
    Residency table(slots, banks, make(GetParam(), banks), 64);
    Model model{.slots = slots, .taken = {}, .sums = {}, .bytes = 64};
    for (int operation = 0; operation < 400; ++operation) {
      const uint32_t id = below(table.experts()), slot = below(slots);
      switch (below(8)) {
      case 0:
        table.beginStep();
        break;
      case 1: {
        table.use(id, 1 + below(4));
        ++model.sums.demands;
        const auto at = model.slotOf(id);
        ++(at ? model.sums.hits : model.sums.misses);
        if (at && model.taken[*at].unusedPrefetch) {
          ++model.sums.prefetchUsed;
          model.taken[*at].unusedPrefetch = false;
        }
        break;
      }
      case 2:
      case 3: {
        if (model.slotOf(id))
          break;
        const auto purpose = static_cast<Purpose>(below(3));
        const uint32_t got = table.take(id, purpose);
        if (model.taken.size() == slots) {
          ASSERT_EQ(got != kNone, model.anyEvictable());
          if (got == kNone)
            break;
          ASSERT_TRUE(model.isEvictable(got));
          model.drop(got);
          ++model.sums.evictions;
        } else {
          ASSERT_LT(got, slots);
          ASSERT_FALSE(model.taken.count(got)) << "a free slot comes first";
        }
        model.taken[got] = {id, true, true, purpose == Purpose::Prefetch};
        if (purpose == Purpose::Demand)
          model.sums.fetchedBytes += 64;
        if (purpose == Purpose::Prefetch) {
          ++model.sums.prefetched;
          model.sums.prefetchedBytes += 64;
        }
        break;
      }
      case 4:
        if (model.taken.count(slot)) {
          table.arrived(slot);
          model.taken[slot].arriving = false;
        }
        break;
      case 5:
        if (model.taken.count(slot)) {
          table.hold(slot);
          model.taken[slot].held = true;
        }
        break;
      case 6:
        if (model.taken.count(slot)) {
          table.release(slot);
          model.taken[slot].held = false;
        }
        break;
      case 7:
        if (below(4) != 0)
          break;
        table.forget(slot);
        if (model.taken.count(slot))
          model.drop(slot);
        break;
      }
      uint64_t pending = 0;
      for (uint32_t each = 0; each < slots; ++each) {
        const auto at = model.taken.find(each);
        if (at == model.taken.end()) {
          ASSERT_EQ(table.state(each), SlotState::Free);
          ASSERT_EQ(table.ownerOf(each), kNone);
          continue;
        }
        pending += at->second.unusedPrefetch;
        ASSERT_EQ(table.ownerOf(each), at->second.owner);
        ASSERT_EQ(table.slotOf(at->second.owner), each);
        ASSERT_EQ(table.state(each),
                  at->second.arriving ? SlotState::Arriving : SlotState::Ready);
        ASSERT_EQ(table.isHeld(each), at->second.held);
      }
      for (uint32_t each = 0; each < table.experts(); ++each)
        ASSERT_EQ(table.slotOf(each) != kNone, model.slotOf(each).has_value());
      const Counters &sums = table.counters();
      ASSERT_EQ(sums.demands, sums.hits + sums.misses);
      ASSERT_EQ(sums.prefetched,
                sums.prefetchUsed + sums.wastedBytes / 64 + pending);
      ASSERT_EQ(sums.hits, model.sums.hits);
      ASSERT_EQ(sums.misses, model.sums.misses);
      ASSERT_EQ(sums.evictions, model.sums.evictions);
      ASSERT_EQ(sums.prefetched, model.sums.prefetched);
      ASSERT_EQ(sums.prefetchedBytes, model.sums.prefetchedBytes);
      ASSERT_EQ(sums.prefetchUsed, model.sums.prefetchUsed);
      ASSERT_EQ(sums.wastedBytes, model.sums.wastedBytes);
      ASSERT_EQ(sums.fetchedBytes, model.sums.fetchedBytes);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, RandomOperations,
                         testing::ValuesIn(kPolicyNames),
                         [](const auto &info) { return info.param; });

} // namespace
