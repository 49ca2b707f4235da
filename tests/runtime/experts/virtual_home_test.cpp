//===- virtual_home_test.cpp - Experts from a disk in virtual time --------===//

#include "runtime/backend/sim/sim_backend.h"
#include "runtime/experts/expert_home.h"
#include "tests/runtime/backend/virtual_costs.h"
#include "tests/runtime/plan/tiny_model.h"

#include <gtest/gtest.h>

namespace sluice::testing {
namespace {

using experts::Arrival;
using experts::ExpertHome;

/// The tiny plan with every expert on the disk, behind a ring of two places. An
/// expert is 3 matrices of 16 x 8 in bf16, 768 bytes; its slot has more, which
/// no file holds. The disk takes 100 us for one. To wait for one that is over
/// costs the host 1 us, else as virtualCosts has it.
class VirtualHome : public ::testing::Test {
protected:
  void SetUp() override {
    backend = std::move(*makeSimBackend(virtualCosts(768 / 100e3)));
    const TinyPlan tiny = makeTinyDynamicPlan(
        {.layers = 2}, {.homes = {fb::Home::Disk}, .resident = {}});
    plan = *plan::Plan::fromBytes(pack(tiny.plan), "tiny.plan");
    for (const fb::Arena *arena : *plan->get().arenas())
      arenas.push_back(
          std::move(*backend->allocate(MemoryKind::Host, arena->bytes())));
    auto loaded = ExpertHome::load(
        *plan, *backend, {},
        [this](uint32_t buffer) {
          const fb::Buffer &entry = *plan->get().buffers()->Get(buffer);
          return std::span(arenas[entry.arena()].data() + entry.offset(),
                           entry.bytes());
        },
        {});
    ASSERT_TRUE(loaded.isOk()) << loaded.status().message();
    home = std::move(*loaded);
    begin = backend->clockUs();
  }

  double now() const { return backend->clockUs() - begin; }
  bool start(uint32_t bank, uint32_t expert) {
    auto begun = home->startRead(bank, expert);
    EXPECT_TRUE(begun.isOk()) << begun.status().message();
    return begun && *begun;
  }
  std::optional<Arrival> poll() {
    auto arrival = home->poll();
    EXPECT_TRUE(arrival.isOk()) << arrival.status().message();
    return arrival ? *arrival : std::nullopt;
  }
  Arrival wait() {
    auto arrival = home->waitRead();
    EXPECT_TRUE(arrival.isOk()) << arrival.status().message();
    return arrival ? *arrival : Arrival{};
  }

  std::unique_ptr<Backend> backend;
  std::shared_ptr<const plan::Plan> plan;
  std::vector<Allocation> arenas;
  std::unique_ptr<ExpertHome> home;
  double begin = 0;
};

TEST_F(VirtualHome, ReadsTakeTheDisksTime) {
  ASSERT_TRUE(start(0, 2)); // 4 to 104.
  ASSERT_TRUE(start(1, 3)); // Begun at 8: 104 to 204.
  EXPECT_FALSE(start(1, 0)) << "the ring has two places";
  EXPECT_EQ(home->readsInFlight(), 2u);
  EXPECT_FALSE(poll());
  EXPECT_NEAR(now(), 8, 1e-9) << "neither costs anything";

  const Arrival first = wait();
  EXPECT_NEAR(now(), 114, 1e-9);
  EXPECT_EQ(first.bank, 0u);
  EXPECT_EQ(first.expert, 2u);
  EXPECT_FALSE(poll());
  EXPECT_FALSE(start(1, 0)) << "the first image is still in use";
  home->doneWith(first.image);
  ASSERT_TRUE(start(1, 0)); // Begun at 118, behind the second: 204 to 304.
  EXPECT_NEAR(now(), 118, 1e-9);

  EXPECT_EQ(wait().expert, 3u);
  EXPECT_NEAR(now(), 214, 1e-9);
  const Arrival third = wait();
  EXPECT_NEAR(now(), 314, 1e-9);
  EXPECT_EQ(third.bank, 1u);
  EXPECT_EQ(third.expert, 0u);
  EXPECT_EQ(home->readsInFlight(), 0u);
  EXPECT_FALSE(home->waitRead().isOk()) << "never a hang";
}

TEST_F(VirtualHome, SeesWhatHasArrivedMeanwhile) {
  ASSERT_TRUE(start(0, 1)); // 4 to 104.
  ASSERT_TRUE(start(0, 0)); // 104 to 204.
  ASSERT_TRUE(backend->reserveEvents(1).isOk());
  while (now() < 104) {
    EXPECT_FALSE(poll());
    ASSERT_TRUE(backend->query(0).isOk()); // 1 us.
  }
  const std::optional<Arrival> arrival = poll();
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->expert, 1u);
  EXPECT_NEAR(now(), 104, 1e-9);
  EXPECT_FALSE(poll());
}

} // namespace
} // namespace sluice::testing
