//===- dynamic_test.cpp - Moving experts changes no bit -------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/core/fault.h"
#include "runtime/executor/experts/engine.h"
#include "runtime/experts/policy.h"
#include "runtime/experts/routing_source.h"
#include "tests/runtime/executor/run_dynamic.h"

#include <set>

using namespace sluice;
using namespace sluice::testing;

namespace {

class Dynamic : public ::testing::Test {
protected:
  static void SetUpTestSuite() { expected = staticLogits(dynamicModel()); }

  /// Loads and runs; the logits must be those of the plan that moves nothing.
  void check(const TinyExperts &experts, const std::string &policy = "") {
    check(experts, policy, dynamicModel(), expected);
  }
  void check(const TinyExperts &experts, const std::string &policy,
             const TinyModel &model,
             const std::vector<std::vector<float>> &expected) {
    TinyOnDisk disk(makeTinyDynamicPlan(model, experts));
    auto backend = makeCpuBackend({2, 512});
    LoadOptions options{.modelDir = disk.directory.path(), .progress = {}};
    options.policy = policy;
    auto executor = Executor::create(disk.plan, **backend, options);
    ASSERT_TRUE(executor.isOk()) << executor.status().message();
    EXPECT_EQ(runSteps(**executor), expected);
    counters = (*executor)->expertCounters();
    const fb::Plan &plan = disk.plan->get();
    slotBytes = plan.expert_pools()->Get(0)->slot_bytes();
    downBytes = slotBytes - 2 * plan.expert_banks()->Get(0)->down_offset();
    EXPECT_TRUE((*backend)->checkGuards().isOk());
  }

  static inline std::vector<std::vector<float>> expected;
  experts::Counters counters;
  uint64_t slotBytes = 0;
  uint64_t downBytes = 0; ///< What moves of a down projection.
};

TEST_F(Dynamic, FromHostMemory) {
  TinyExperts experts = plainExperts();
  experts.slots = 8;
  experts.homes = {fb::Home::Host};
  check(experts);
  EXPECT_GT(counters.hits, 0u);
  EXPECT_GT(counters.misses, 0u);
}

TEST_F(Dynamic, AnyNumberOfSlots) {
  for (uint32_t slots : {2, 3, 4, 5, 7, 8, 12, 24})
    for (const auto &homes :
         {std::vector{fb::Home::Host}, std::vector{fb::Home::Disk},
          std::vector{fb::Home::Host, fb::Home::Disk, fb::Home::Disk}}) {
      SCOPED_TRACE(std::to_string(slots) + " slots, " +
                   std::to_string(homes.size()) + " homes from " +
                   fb::EnumNameHome(homes[0]));
      TinyExperts experts = plainExperts();
      experts.slots = slots;
      experts.homes = homes;
      check(experts);
    }
}

TEST_F(Dynamic, EveryPolicy) {
  for (const char *policy : experts::kPolicyNames) {
    SCOPED_TRACE(policy);
    TinyExperts experts = plainExperts();
    experts.slots = 9;
    check(experts, policy);
    EXPECT_GT(counters.hits, 0u);
    EXPECT_GT(counters.evictions, 0u);
  }
}

/// The policy is told what the plan says a miss from the disk costs. With a
/// slot for each expert there and two more, nearly all that is missed lies in
/// memory: two slots for what the other steps bring, as if the disk's had none.
TEST_F(Dynamic, SlotsAreForTheDisk) {
  TinyExperts experts = plainExperts();
  experts.policy = experts::kDefaultPolicy;
  experts.slots = 14;
  check(experts);
  const uint64_t misses = counters.misses;
  experts.diskCost = 1e6f;
  check(experts);
  EXPECT_GT(counters.misses, misses);
  // Nothing there: the cost says nothing.
  experts.homes = {fb::Home::Host};
  check(experts);
  const experts::Counters dear = counters;
  experts.diskCost = 1;
  check(experts);
  EXPECT_EQ(counters.misses, dear.misses);
}

TEST_F(Dynamic, AnyWave) {
  for (uint32_t slots : {3, 8, 24})
    for (uint64_t bytes : {0, 1, 1024, 4000, 1 << 20}) {
      SCOPED_TRACE(std::to_string(slots) + " slots, waves of " +
                   std::to_string(bytes) + " bytes");
      TinyExperts experts = plainExperts();
      experts.slots = slots;
      experts.waveBytes = bytes;
      check(experts);
    }
}

TEST_F(Dynamic, InParts) {
  for (uint32_t parts : {2, 3, 4})
    for (bool forget : {false, true}) {
      SCOPED_TRACE(std::to_string(parts) + (forget ? " forget" : ""));
      TinyExperts experts = plainExperts();
      experts.slots = 6;
      experts.parts = parts;
      experts.forget = forget;
      check(experts);
    }
}

TEST_F(Dynamic, WholeLayersInSeries) {
  for (uint32_t slots : {2, 5, 8, 24}) {
    SCOPED_TRACE(slots);
    TinyExperts experts = plainExperts();
    experts.slots = slots;
    experts.all = experts.forget = true;
    experts.waveBytes = 0;
    check(experts);
    // 11 steps of 3 layers move all 8 experts each time.
    EXPECT_EQ(counters.misses, 11u * 3 * 8);
    EXPECT_EQ(counters.hits, 0u);
  }
}

TEST_F(Dynamic, SharedWithTheHost) {
  for (float share : {0.0f, 0.3f, 0.8f, 1.0f})
    for (uint32_t slots : {2, 8})
      for (const auto &homes : {std::vector{fb::Home::Host},
                                std::vector{fb::Home::Host, fb::Home::Disk}}) {
        SCOPED_TRACE(std::to_string(share) + " of the misses, " +
                     std::to_string(slots) + " slots");
        TinyExperts experts = plainExperts();
        experts.slots = slots;
        experts.homes = homes;
        experts.split = true;
        experts.share = share;
        check(experts);
        EXPECT_EQ(counters.hostExperts > 0, share > 0);
        if (share == 1 && homes.size() == 1) {
          EXPECT_EQ(counters.hostExperts, counters.misses);
          EXPECT_EQ(counters.fetchedBytes, 0u);
        }
      }
}

/// Where the CPU comes late, the bus takes over the end of its job, whatever
/// the number of slots: whole down projections, and of wide experts parts of
/// them. Each byte that is missing is read by one of both.
TEST_F(Dynamic, HandedOver) {
  TinyModel wide = dynamicModel();
  wide.hidden = 64;
  wide.inner = 128;
  const auto expectedOfWide = staticLogits(wide);
  bool hasParts = false;
  setFaults("late");
  for (bool isWide : {false, true})
    for (float share : {0.3f, 0.6f})
      for (uint32_t slots : {2, 3, 8})
        for (uint64_t wave : {1, 1 << 20}) {
          SCOPED_TRACE(std::to_string(share) + " of the misses, " +
                       std::to_string(slots) + " slots, waves of " +
                       std::to_string(wave) + " bytes" +
                       (isWide ? ", wide" : ""));
          TinyExperts experts = plainExperts();
          experts.slots = slots;
          experts.homes = {fb::Home::Host};
          experts.waveBytes = wave;
          experts.split = true;
          experts.share = share;
          check(experts, "", isWide ? wide : dynamicModel(),
                isWide ? expectedOfWide : expected);
          EXPECT_EQ(counters.hostBytes + counters.fetchedBytes,
                    counters.misses * slotBytes);
          // Few slots are all in use at times.
          const uint64_t over =
              counters.hostExperts * slotBytes - counters.hostBytes;
          if (slots == 8) {
            EXPECT_GT(over, 0u);
          }
          if (isWide) {
            hasParts |= over % downBytes != 0;
          } else {
            EXPECT_EQ(over % downBytes, 0u) << over;
          }
        }
  setFaults("");
  EXPECT_TRUE(hasParts);
}

/// The same behind copies that prefetches began: the bus is done when those
/// have arrived too.
TEST_F(Dynamic, HandedOverBehindPrefetches) {
  for (const char *fault : {"", "late"})
    for (uint32_t limit : {1, 4}) {
      SCOPED_TRACE(std::string(fault) + " " + std::to_string(limit) + " ahead");
      setFaults(fault);
      TinyExperts experts = plainExperts();
      experts.slots = 16;
      experts.homes = {fb::Home::Host};
      experts.prefetch = limit;
      experts.split = true;
      experts.share = 0.6f;
      check(experts);
      EXPECT_EQ(counters.hostBytes + counters.fetchedBytes,
                counters.misses * slotBytes);
      EXPECT_GT(counters.prefetched, 0u);
      if (*fault) {
        EXPECT_LT(counters.hostBytes, counters.hostExperts * slotBytes);
      }
    }
  setFaults("");
}

/// What both take is learned also of the last bank, behind which no demand
/// looks at the bus. The first step is divided as the plan says, so both have a
/// part.
TEST_F(Dynamic, LearnsWhatBothTakeOfTheLastBank) {
  TinyModel model = dynamicModel();
  model.layers = 1;
  TinyExperts experts = plainExperts();
  experts.slots = 8;
  experts.homes = {fb::Home::Host};
  experts.split = true;
  experts.share = 0.5f;
  TinyOnDisk disk(makeTinyDynamicPlan(model, experts));
  auto backend = makeCpuBackend({2, 512});
  auto executor =
      Executor::create(disk.plan, **backend,
                       {.modelDir = disk.directory.path(), .progress = {}});
  ASSERT_TRUE(executor.isOk()) << executor.status().message();
  ASSERT_NE((*executor)->expertEngine(), nullptr);
  EXPECT_EQ(runSteps(**executor), staticLogits(model));
  const auto seen = (*executor)->expertEngine()->seen(0);
  EXPECT_GT(seen.host, 0u);
  EXPECT_GT(seen.bus, 0u);
}

/// Where kernels do not reach the host's memory its results are copied, and
/// nothing goes over.
TEST_F(Dynamic, SharedWithAHostFarAway) {
  for (const char *fault : {"far", "far,late"})
    for (float share : {0.3f, 1.0f})
      for (uint32_t parts : {1, 2}) {
        SCOPED_TRACE(std::string(fault) + " " + std::to_string(share) + " in " +
                     std::to_string(parts));
        setFaults(fault);
        TinyExperts experts = plainExperts();
        experts.slots = 8;
        experts.homes = {fb::Home::Host};
        experts.parts = parts;
        experts.split = true;
        experts.share = share;
        check(experts);
        EXPECT_GT(counters.hostExperts, 0u);
        EXPECT_EQ(counters.hostBytes, counters.hostExperts * slotBytes);
      }
  setFaults("");
}

TEST_F(Dynamic, SharedInParts) {
  TinyExperts experts = plainExperts();
  experts.slots = 5;
  experts.parts = 2;
  experts.split = true;
  check(experts);
}

TEST_F(Dynamic, Prefetched) {
  for (uint32_t limit : {1, 2, 8})
    for (uint32_t slots : {8, 12, 20})
      for (const auto &homes :
           {std::vector{fb::Home::Host}, std::vector{fb::Home::Disk},
            std::vector{fb::Home::Host, fb::Home::Disk}}) {
        SCOPED_TRACE(std::to_string(limit) + " ahead, " +
                     std::to_string(slots) + " slots");
        TinyExperts experts = plainExperts();
        experts.slots = slots;
        experts.homes = homes;
        experts.prefetch = limit;
        check(experts);
        EXPECT_GT(counters.prefetched + counters.prefetchDropped, 0u);
      }
}

TEST_F(Dynamic, PrefetchedIntoTheFewestSlots) {
  for (uint32_t slots : {2, 3, 4}) {
    TinyExperts experts = plainExperts();
    experts.slots = slots;
    experts.prefetch = 2;
    check(experts);
  }
}

TEST_F(Dynamic, EverythingAtOnce) {
  for (uint32_t slots : {3, 9, 16})
    for (uint32_t parts : {1, 2}) {
      SCOPED_TRACE(std::to_string(slots) + " slots, " + std::to_string(parts) +
                   " parts");
      TinyExperts experts;
      experts.slots = slots;
      experts.parts = parts;
      experts.prefetch = 2;
      experts.resident = {{0}, {1}, {7}};
      check(experts);
    }
}

TEST_F(Dynamic, ResidentsAreThereFromTheStart) {
  TinyExperts experts = plainExperts();
  experts.slots = 24;
  experts.resident.assign(3, {0, 1, 2, 3, 4, 5, 6, 7});
  for (fb::Home home : {fb::Home::Host, fb::Home::Disk}) {
    experts.homes = {home};
    check(experts);
    EXPECT_EQ(counters.misses, 0u);
    EXPECT_EQ(counters.fetchedBytes, 0u);
  }
}

/// Each expert that a step's rows pick and that is in no slot crosses the bus
/// once, whatever the number of rows that pick it.
TEST_F(Dynamic, EveryMissMovesOnce) {
  TinyExperts experts = plainExperts();
  experts.slots = 4;
  experts.forget = true;
  TinyOnDisk disk(makeTinyDynamicPlan(dynamicModel(), experts));
  auto backend = makeCpuBackend({2, 0});
  auto executor = disk.load(**backend);
  ASSERT_TRUE(executor.isOk()) << executor.status().message();
  const uint64_t slotBytes =
      disk.plan->get().expert_pools()->Get(0)->slot_bytes();
  uint64_t moved = 0;
  for (int32_t i = 0; i < 4; ++i) {
    std::vector<Row> rows;
    for (int32_t r = 0; r < 8; ++r)
      rows.push_back({(7 * i + 3 * r) % 23, r, 0});
    step(**executor, EntryPoint::Prefill, rows, {0}, true);
    for (uint32_t layer = 0; layer < 3; ++layer) {
      auto ids =
          (*executor)->output(EntryPoint::Prefill, fb::Role::ExpertIds, layer);
      const auto *id = reinterpret_cast<const int32_t *>(ids.data());
      moved += std::set<int32_t>(id, id + 8 * 3).size();
    }
  }
  EXPECT_EQ((*executor)->expertCounters().misses, moved);
  EXPECT_EQ((*executor)->expertCounters().fetchedBytes, moved * slotBytes);
}

/// The ids that the router did not choose are what runs: with a source that
/// says what the router would say, nothing changes.
TEST_F(Dynamic, RoutingFromOutside) {
  TinyExperts experts = plainExperts();
  experts.slots = 7;
  experts.split = true;
  TinyOnDisk disk(makeTinyDynamicPlan(dynamicModel(), experts));
  auto backend = makeCpuBackend({2, 512});
  auto executor = disk.load(**backend);
  ASSERT_TRUE(executor.isOk()) << executor.status().message();
  auto source = experts::makeSyntheticRouting({3, 8, 3, 9}, {.seed = 5});
  (*executor)->setRouting(source.get());
  auto first = runSteps(**executor);
  EXPECT_NE(first, expected);
  (*executor)->setRouting(nullptr);
  EXPECT_EQ(runSteps(**executor), expected);
  EXPECT_TRUE((*backend)->checkGuards().isOk());
}

/// The plan's successors are wrong here; what the run itself learns is not.
TEST_F(Dynamic, PrefetchLearnsWhatFollows) {
  TinyExperts experts = plainExperts();
  experts.slots = 10;
  experts.homes = {fb::Home::Host};
  experts.prefetch = 3;
  TinyOnDisk disk(makeTinyDynamicPlan(dynamicModel(), experts));
  auto backend = makeCpuBackend({1, 0});
  auto executor = disk.load(**backend);
  ASSERT_TRUE(executor.isOk()) << executor.status().message();
  for (int i = 0; i < 400; ++i)
    step(**executor, EntryPoint::Decode, {{i % 23, i % 20, 0}}, {});
  const experts::Counters c = (*executor)->expertCounters();
  const uint64_t slotBytes =
      disk.plan->get().expert_pools()->Get(0)->slot_bytes();
  EXPECT_EQ(c.demands, c.hits + c.misses);
  EXPECT_EQ(c.demands, 400u * 3 * 3);
  EXPECT_EQ(c.fetchedBytes, c.misses * slotBytes);
  EXPECT_EQ(c.prefetchedBytes, c.prefetched * slotBytes);
  const uint64_t settled = c.prefetchUsed + c.wastedBytes / slotBytes;
  EXPECT_LE(settled, c.prefetched);
  EXPECT_GE(settled + experts.slots, c.prefetched);
  EXPECT_GT(c.prefetchUsed, 0u);
}

/// A disk that fails in the middle of a step ends in an error that names the
/// file, with nothing left under way; another executor works.
TEST_F(Dynamic, AFailingDiskIsAnError) {
  TinyExperts experts;
  experts.slots = 5;
  experts.homes = {fb::Home::Disk, fb::Home::Host, fb::Home::Disk};
  TinyOnDisk disk(makeTinyDynamicPlan(dynamicModel(), experts));
  for (const char *fault : {"read:1", "read:2", "read:5", "read:17"}) {
    SCOPED_TRACE(fault);
    auto backend = makeCpuBackend({2, 512});
    auto executor = disk.load(**backend);
    ASSERT_TRUE(executor.isOk()) << executor.status().message();
    setFaults(fault);
    fill(**executor, EntryPoint::Decode, {{1, 0, 0}, {2, 0, 1}}, {0, 1});
    Status status;
    for (int i = 0; i < 40 && status.isOk(); ++i) {
      fill(**executor, EntryPoint::Decode, {{i % 23, 0, 0}, {7, 0, 1}}, {0});
      status = (*executor)->execute(EntryPoint::Decode, 2, 1, false);
    }
    setFaults("");
    ASSERT_FALSE(status.isOk());
    EXPECT_EQ(status.code(), ErrorCode::Io) << status.message();
    expectLine(status.message(), {"model.safetensors"});
    EXPECT_TRUE((*backend)->checkGuards().isOk());
  }
  check(experts);
  // A read that ends early goes on where it ended.
  setFaults("short:3");
  check(experts);
  setFaults("");
}

} // namespace
