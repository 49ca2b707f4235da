//===- events_test.cpp - Events as the host sees them ---------------------===//

#include "tests/runtime/backend/conformance.h"

#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

class Events : public Conformance {
protected:
  bool isDone(uint32_t event) {
    auto done = backend->query(event);
    EXPECT_TRUE(done.isOk()) << done.status().message();
    return done.isOk() && *done;
  }
};

TEST_P(Events, WithoutARecordTheyAreDone) {
  EXPECT_TRUE(isDone(7));
  ok(backend->waitOnHost(7));
}

TEST_P(Events, QueryDoesNotWait) {
  // Memory first: taking some may wait for all that a device does.
  Allocation one = allocate(kDevice, 4), two = allocate(kDevice, 4);
  KernelArgs args = addition(one, one, two, 1);
  Gate gate;
  ok(backend->hostFunction(StreamKind::Compute, Gate::wait, &gate));
  ok(backend->record(StreamKind::Compute, 1));
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(isDone(1));
  // The host goes on while the stream is held up, and other streams do.
  ok(backend->record(StreamKind::Demand, 2));
  ok(backend->waitOnHost(2));
  EXPECT_TRUE(isDone(2));
  EXPECT_FALSE(isDone(1));
  // A query that found work left no error behind for the next launch.
  ok(backend->launch(StreamKind::Demand, addKernel(), args, 1));
  ok(backend->synchronize(StreamKind::Demand));
  gate.open = true;
  ok(backend->waitOnHost(1));
  EXPECT_TRUE(isDone(1));
  EXPECT_FALSE(gate.gaveUp);
}

TEST_P(Events, TheLatestRecordCounts) {
  ok(backend->record(StreamKind::Demand, 3));
  ok(backend->waitOnHost(3));
  Gate gate;
  ok(backend->hostFunction(StreamKind::Compute, Gate::wait, &gate));
  ok(backend->record(StreamKind::Compute, 3));
  EXPECT_FALSE(isDone(3));
  gate.open = true;
  ok(backend->waitOnHost(3));
  EXPECT_TRUE(isDone(3));
  EXPECT_FALSE(gate.gaveUp);
}

// What the copies wrote is read right after the wait, or after a query that
// said so, and the memory is written again for the next turn.
TEST_P(Events, WorkBeforeThemIsVisible) {
  constexpr size_t kCount = 3000;
  std::mt19937 random(3);
  Allocation in = allocate(kHost, kCount * 4),
             out = allocate(kHost, kCount * 4);
  Allocation there = allocate(kDevice, kCount * 4);
  for (int turn = 0; turn < 60; ++turn) {
    for (size_t i = 0; i < kCount; ++i)
      floats(in)[i] = float(turn + i);
    StreamKind stream = kStreams[turn % 4];
    if (random() % 2)
      ok(backend->hostFunction(stream, sleepFor,
                               reinterpret_cast<void *>(random() % 600)));
    ok(backend->copy(stream, there.data(), kDevice, in.data(), kHost,
                     kCount * 4));
    ok(backend->copy(stream, out.data(), kHost, there.data(), kDevice,
                     kCount * 4));
    ok(backend->record(stream, turn % 2));
    if (turn % 3)
      ok(backend->waitOnHost(turn % 2));
    else
      while (!isDone(turn % 2))
        std::this_thread::yield();
    for (size_t i = 0; i < kCount; ++i)
      ASSERT_EQ(floats(out)[i], float(turn + i)) << turn;
  }
}

TEST_P(Events, UnknownOnesAreNamed) {
  says(backend->query(64).status(), ErrorCode::InvalidArgument, "64");
  says(backend->waitOnHost(1u << 30), ErrorCode::InvalidArgument, "1073741824");
}

SLUICE_ON_REAL_BACKENDS(Events);

} // namespace
