//===- graphs_test.cpp - Work recorded once and run again -----------------===//

#include "runtime/core/fault.h"
#include "tests/runtime/backend/conformance.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

class Graphs : public Conformance {
protected:
  static constexpr auto kCompute = StreamKind::Compute;

  /// What is recorded must have run once.
  void SetUp() override {
    Conformance::SetUp();
    Allocation one = allocate(kDevice, 4), sum = allocate(kDevice, 4);
    KernelArgs args = addition(one, one, sum, 1);
    ok(backend->launch(kCompute, addKernel(), args, 1));
    ok(backend->synchronize());
  }

  /// x += one, by way of y; x is 0 at first.
  struct Counter {
    Allocation one, x, y;
    KernelArgs sum;
  };
  Counter makeCounter() {
    Counter counter{
        allocate(kDevice, 4), allocate(kDevice, 4), allocate(kDevice, 4), {}};
    write(counter.one, {1});
    counter.sum = addition(counter.x, counter.one, counter.y, 1);
    return counter;
  }
  Status copyBack(const Counter &counter) {
    return backend->copy(kCompute, counter.x.data(), kDevice, counter.y.data(),
                         kDevice, 4);
  }

  /// A graph of one increment.
  uint32_t recordIncrement(const Counter &counter) {
    ok(backend->beginGraph(kCompute));
    ok(backend->launch(kCompute, addKernel(), counter.sum, 1));
    ok(copyBack(counter));
    auto graph = backend->endGraph(kCompute);
    EXPECT_TRUE(graph.isOk()) << graph.status().message();
    return graph.isOk() ? *graph : 0;
  }
};

TEST_P(Graphs, BackendsWithoutThemSaySo) {
  if (backend->hasGraphs())
    return;
  says(backend->beginGraph(kCompute), ErrorCode::Unsupported, "graphs");
  says(backend->endGraph(kCompute).status(), ErrorCode::Unsupported, "graphs");
  says(backend->launchGraph(kCompute, 0), ErrorCode::Unsupported, "graphs");
}

TEST_P(Graphs, RunWhatWasRecordedAsOftenAsAsked) {
  if (!backend->hasGraphs())
    return;
  Counter counter = makeCounter();
  uint32_t graph = recordIncrement(counter);
  ok(backend->synchronize());
  EXPECT_EQ(read(counter.x, 1)[0], 0) << "recording ran the work";
  // The arguments are those of the recording.
  counter.sum = KernelArgs();
  for (int i = 0; i < 500; ++i)
    ok(backend->launchGraph(kCompute, graph));
  ok(backend->synchronize(kCompute));
  EXPECT_EQ(read(counter.x, 1)[0], 500);
}

TEST_P(Graphs, StandInTheOrderOfTheirStream) {
  if (!backend->hasGraphs())
    return;
  Counter counter = makeCounter();
  Allocation host = allocate(kHost, 400);
  uint32_t graph = recordIncrement(counter);
  for (int i = 0; i < 100; ++i) {
    StreamKind stream = kStreams[i % 4];
    ok(backend->launchGraph(stream, graph));
    ok(backend->copy(stream, host.data() + 4 * i, kHost, counter.x.data(),
                     kDevice, 4));
    ok(backend->record(stream, 0));
    ok(backend->wait(kStreams[(i + 1) % 4], 0));
  }
  ok(backend->synchronize());
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(floats(host)[i], float(i + 1));
}

TEST_P(Graphs, OtherStreamsAndEventsGoOnWhileOneIsRecorded) {
  if (!backend->hasGraphs())
    return;
  Counter counter = makeCounter();
  Allocation z = allocate(kDevice, 4);
  KernelArgs other = addition(counter.one, counter.one, z, 1);
  ok(backend->beginGraph(kCompute));
  ok(backend->launch(kCompute, addKernel(), counter.sum, 1));
  ok(backend->launch(StreamKind::Demand, addKernel(), other, 1));
  ok(backend->record(StreamKind::Demand, 0));
  ok(backend->waitOnHost(0));
  EXPECT_TRUE(*backend->query(0));
  auto graph = backend->endGraph(kCompute);
  ASSERT_TRUE(graph.isOk()) << graph.status().message();
  EXPECT_EQ(read(z, 1)[0], 2);
  EXPECT_EQ(read(counter.y, 1)[0], 0);
  ok(backend->launchGraph(kCompute, *graph));
  ok(backend->synchronize());
  EXPECT_EQ(read(counter.y, 1)[0], 1);
}

TEST_P(Graphs, TakeNothingButLaunchesCopiesAndRecords) {
  if (!backend->hasGraphs())
    return;
  says(backend->endGraph(kCompute).status(), ErrorCode::InvalidArgument,
       "beginning");
  says(backend->launchGraph(kCompute, 7), ErrorCode::InvalidArgument, "7");
  ok(backend->beginGraph(kCompute));
  auto refuses = [&](const Status &status) {
    says(status, ErrorCode::InvalidArgument, "recorded");
  };
  refuses(backend->beginGraph(StreamKind::Demand));
  refuses(backend->wait(kCompute, 0));
  refuses(backend->hostFunction(kCompute, sleepFor, nullptr));
  refuses(backend->synchronize(kCompute));
  refuses(backend->synchronize());
  says(backend->endGraph(StreamKind::Demand).status(),
       ErrorCode::InvalidArgument, "beginning");
  auto graph = backend->endGraph(kCompute);
  ASSERT_TRUE(graph.isOk()) << graph.status().message();
  // An empty graph is one too.
  ok(backend->launchGraph(kCompute, *graph));
  ok(backend->synchronize());
}

/// Every step of a recording that can be refused: nothing of it runs, and the
/// stream and the next recording work.
TEST_P(Graphs, AFailedRecordingDoesNoHarm) {
  if (!backend->hasGraphs())
    return;
  Counter counter = makeCounter();
  int failures = 0;
  for (bool failed = true; failed;) {
    setFaults("graph:" + std::to_string(failures + 1));
    Status status = backend->beginGraph(kCompute);
    if (status.isOk()) {
      status = backend->launch(kCompute, addKernel(), counter.sum, 1);
      if (status.isOk())
        status = copyBack(counter);
      auto graph = backend->endGraph(kCompute);
      if (status.isOk())
        status = graph.takeStatus();
    }
    setFaults("");
    failed = !status.isOk();
    failures += failed;
    ok(backend->synchronize());
    EXPECT_EQ(read(counter.x, 1)[0], failures - failed);
    ok(backend->launchGraph(kCompute, recordIncrement(counter)));
    ok(backend->synchronize());
    EXPECT_EQ(read(counter.x, 1)[0], failures - failed + 1);
  }
  EXPECT_GE(failures, 2) << "the beginning and the end";
}

TEST_P(Graphs, MayBeLeftUnfinished) {
  if (!backend->hasGraphs())
    return;
  auto other = GetParam().make();
  ASSERT_TRUE(other.isOk());
  ok((*other)->beginGraph(kCompute));
}

SLUICE_ON_REAL_BACKENDS(Graphs);

} // namespace
