//===- reports_test.cpp - Results that the host waits for -----------------===//

#include "tests/runtime/backend/conformance.h"

#include <numeric>

using namespace sluice;
using namespace sluice::testing;

namespace {

class Reports : public RealConformance {
protected:
  static constexpr auto kCompute = StreamKind::Compute;

  bool isDone(uint32_t event) {
    auto done = backend->query(event);
    EXPECT_TRUE(done.isOk()) << done.status().message();
    return done.isOk() && *done;
  }

  /// x += one, by way of y, reported to `host`; x is 0 at first.
  struct Counter {
    Allocation one, x, y, host;
    KernelArgs sum;
  };
  Counter makeCounter() {
    Counter counter{allocate(kDevice, 4),
                    allocate(kDevice, 4),
                    allocate(kDevice, 4),
                    allocate(kHost, 4),
                    {}};
    write(counter.one, {1});
    counter.sum = addition(counter.x, counter.one, counter.y, 1);
    return counter;
  }
  void increment(const Counter &counter, uint32_t event) {
    ok(backend->launch(kCompute, addKernel(), counter.sum, 1));
    ok(backend->copy(kCompute, counter.x.data(), kDevice, counter.y.data(),
                     kDevice, 4));
    const ReportPart part{counter.host.data(), counter.x.data(), 4};
    ok(backend->report(kCompute, {&part, 1}, event));
  }
  uint32_t recordIncrement(const Counter &counter, uint32_t event) {
    increment(counter, event); // what is recorded must have run once
    ok(backend->synchronize());
    write(counter.x, {0});
    ok(backend->beginGraph(kCompute));
    increment(counter, event);
    auto graph = backend->endGraph(kCompute);
    EXPECT_TRUE(graph.isOk()) << graph.status().message();
    return graph.isOk() ? *graph : 0;
  }
};

TEST_P(Reports, BringPartsOfAnySizeAndPlace) {
  constexpr size_t kMost = 1 << 20;
  Allocation device = allocate(kDevice, kMost), host = allocate(kHost, kMost);
  Allocation bytes = allocate(kHost, kMost);
  for (size_t i = 0; i < kMost; ++i)
    bytes.data()[i] = static_cast<std::byte>(i * 131 + i / 251);
  ok(backend->copy(StreamKind::Demand, device.data(), kDevice, bytes.data(),
                   kHost, kMost));
  ok(backend->synchronize());
  struct Place {
    size_t from, bytes;
  };
  const std::vector<Place> cases[] = {
      {{0, 32}, {4096, 4096}},            // as a layer's
      {{16, 4}, {32, 20}},                // whole words
      {{3, 1}, {17, 33}, {100, 7}},       // bytes
      {{0, 0}, {64, 16}},                 // nothing of one
      {},                                 // nothing at all
      {{0, 8192}, {8192, 8192}},          // as much as goes together
      {{0, 8192}, {8192, 8196}},          // a word more
      {{0, 200000}, {300000, 400001}},    // far more
      {{0, 4}, {8, 4}, {16, 4}, {24, 4}}, // as many as go together
      {{0, 4}, {8, 4}, {16, 4}, {24, 4}, {32, 4}},
  };
  uint32_t event = 5;
  for (const std::vector<Place> &places : cases) {
    std::fill_n(host.data(), kMost, std::byte{0});
    std::vector<std::byte> expected(kMost);
    std::vector<ReportPart> parts;
    for (const Place &place : places) {
      parts.push_back(
          {host.data() + place.from, device.data() + place.from, place.bytes});
      std::copy_n(bytes.data() + place.from, place.bytes,
                  expected.data() + place.from);
    }
    ok(backend->report(kCompute, parts, event));
    ok(backend->waitOnHost(event));
    EXPECT_TRUE(isDone(event));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), host.data()))
        << "case " << event - 5;
    ++event;
  }
}

TEST_P(Reports, ComeBehindWhatWasEnqueued) {
  Counter counter = makeCounter();
  ok(backend->synchronize());
  Gate gate;
  ok(backend->hostFunction(kCompute, Gate::wait, &gate));
  increment(counter, 1);
  for (int i = 0; i < 1000; ++i)
    EXPECT_FALSE(isDone(1));
  gate.open = true;
  ok(backend->waitOnHost(1));
  EXPECT_EQ(floats(counter.host)[0], 1);
  EXPECT_FALSE(gate.gaveUp);
}

TEST_P(Reports, AreMadeAnewByEachLaunchOfAGraph) {
  Counter counter = makeCounter();
  const uint32_t graph = recordIncrement(counter, 2);
  EXPECT_TRUE(isDone(2)) << "recording is no record";
  for (int i = 1; i <= 500; ++i) {
    ok(backend->launchGraph(kCompute, graph));
    ok(backend->waitOnHost(2));
    ASSERT_EQ(floats(counter.host)[0], static_cast<float>(i));
  }
  // The host may be behind.
  for (int i = 0; i < 100; ++i)
    ok(backend->launchGraph(kCompute, graph));
  ok(backend->waitOnHost(2));
  EXPECT_EQ(floats(counter.host)[0], 600);
}

TEST_P(Reports, LetStreamsWait) {
  Counter counter = makeCounter();
  const uint32_t graph = recordIncrement(counter, 2);
  Allocation copies = allocate(kHost, 400);
  for (int i = 0; i < 100; ++i) {
    if (i % 2 == 0)
      ok(backend->launchGraph(kCompute, graph));
    else
      increment(counter, 2);
    ok(backend->wait(StreamKind::CopyBack, 2));
    ok(backend->copy(StreamKind::CopyBack, copies.data() + 4 * i, kHost,
                     counter.x.data(), kDevice, 4));
    ok(backend->record(StreamKind::CopyBack, 3));
    ok(backend->wait(kCompute, 3));
  }
  ok(backend->synchronize());
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(floats(copies)[i], static_cast<float>(i + 1));
}

TEST_P(Reports, AndRecordsOfAnEventTakeTurns) {
  Counter counter = makeCounter();
  const uint32_t graph = recordIncrement(counter, 4);
  // A report is over, and then the event is recorded behind held up work.
  ok(backend->launchGraph(kCompute, graph));
  ok(backend->waitOnHost(4));
  for (int round = 0; round < 2; ++round) {
    Gate gate;
    ok(backend->hostFunction(StreamKind::Demand, Gate::wait, &gate));
    ok(backend->record(StreamKind::Demand, 4));
    EXPECT_FALSE(isDone(4)) << round;
    gate.open = true;
    ok(backend->waitOnHost(4));
    EXPECT_FALSE(gate.gaveUp);
    // And the other way round.
    Gate other;
    ok(backend->hostFunction(kCompute, Gate::wait, &other));
    ok(backend->launchGraph(kCompute, graph));
    EXPECT_FALSE(isDone(4)) << round;
    other.open = true;
    ok(backend->waitOnHost(4));
    EXPECT_FALSE(other.gaveUp);
    EXPECT_EQ(floats(counter.host)[0], static_cast<float>(round + 2));
  }
}

TEST_P(Reports, RecordsInAGraphAreMadeAnewToo) {
  Counter counter = makeCounter();
  ok(backend->beginGraph(kCompute));
  ok(backend->launch(kCompute, addKernel(), counter.sum, 1));
  ok(backend->record(kCompute, 6));
  auto graph = backend->endGraph(kCompute);
  ASSERT_TRUE(graph.isOk()) << graph.status().message();
  for (int round = 0; round < 3; ++round) {
    Gate gate;
    ok(backend->hostFunction(kCompute, Gate::wait, &gate));
    ok(backend->launchGraph(kCompute, *graph));
    EXPECT_FALSE(isDone(6)) << round;
    ok(backend->wait(StreamKind::CopyBack, 6));
    Allocation &host = counter.host;
    ok(backend->copy(StreamKind::CopyBack, host.data(), kHost, counter.y.data(),
                     kDevice, 4));
    gate.open = true;
    ok(backend->waitOnHost(6));
    ok(backend->synchronize());
    EXPECT_EQ(floats(host)[0], 1);
    EXPECT_FALSE(gate.gaveUp);
  }
}

/// Places stay when more events are made: a graph goes on reporting.
TEST_P(Reports, GoOnWhenThereAreMoreEvents) {
  Counter counter = makeCounter();
  const uint32_t graph = recordIncrement(counter, 63);
  ok(backend->launchGraph(kCompute, graph));
  ok(backend->waitOnHost(63));
  ok(backend->reserveEvents(3000));
  EXPECT_TRUE(isDone(63));
  ok(backend->launchGraph(kCompute, graph));
  ok(backend->waitOnHost(63));
  EXPECT_EQ(floats(counter.host)[0], 2);
  increment(counter, 2999);
  ok(backend->waitOnHost(2999));
  EXPECT_EQ(floats(counter.host)[0], 3);
}

TEST_P(Reports, OfUnknownEventsAreRefused) {
  says(backend->report(kCompute, {}, 64), ErrorCode::InvalidArgument, "64");
}

SLUICE_ON_REAL_BACKENDS(Reports);

} // namespace
