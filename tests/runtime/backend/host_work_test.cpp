//===- host_work_test.cpp - CPU kernels beside the streams ----------------===//

#include "runtime/backend/host_work.h"
#include "runtime/core/fault.h"
#include "tests/runtime/backend/conformance.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

class HostWorkTest : public Conformance {
protected:
  /// target = a + b over rows of host memory.
  HostLaunch sum(const Allocation &a, const Allocation &b,
                 const Allocation &target, int64_t rows, int64_t width) {
    HostLaunch launch{Kernel::Add, addition(a, b, target, width), rows};
    launch.args.maxRows = rows;
    return launch;
  }
};

TEST_P(HostWorkTest, RunsLaunchesInOrder) {
  constexpr int64_t kRows = 37, kWidth = 129;
  for (unsigned threads : {0u, 1u, 3u}) {
    ok(backend->prepareHostWork(threads));
    Allocation one = allocate(kHost, kRows * kWidth * 4);
    Allocation x = allocate(kHost, kRows * kWidth * 4);
    Allocation y = allocate(kHost, kRows * kWidth * 4);
    for (int64_t i = 0; i < kRows * kWidth; ++i)
      floats(one)[i] = 1;
    std::vector<HostLaunch> launches;
    for (int i = 0; i < 25; ++i) {
      launches.push_back(sum(x, one, y, kRows, kWidth));
      launches.push_back(sum(y, one, x, kRows, kWidth));
    }
    launches.push_back({Kernel::Add, {}, 0}); // No rows do nothing.
    for (int turn = 1; turn <= 5; ++turn) {
      ok(backend->startHostWork(launches));
      ok(backend->waitHostWork());
      for (int64_t i = 0; i < kRows * kWidth; ++i)
        ASSERT_EQ(floats(x)[i], 50 * turn);
    }
  }
}

// A stream goes on when as many launches are done as it waits for, and sees
// what they left.
TEST_P(HostWorkTest, StreamsWaitForPartsOfIt) {
  constexpr int64_t kRows = 64, kWidth = 4096;
  constexpr size_t kLaunches = 40;
  ok(backend->prepareHostWork(2));
  Allocation one = allocate(kHost, kRows * kWidth * 4);
  for (int64_t i = 0; i < kRows * kWidth; ++i)
    floats(one)[i] = 1;
  std::vector<Allocation> results;
  results.push_back(allocate(kHost, kRows * kWidth * 4));
  std::vector<HostLaunch> launches;
  for (size_t i = 0; i < kLaunches; ++i) {
    results.push_back(allocate(kHost, kRows * kWidth * 4));
    launches.push_back(sum(results[i], one, results[i + 1], kRows, kWidth));
  }
  constexpr size_t kCounts[] = {1, 2, 7, 39, 40, 41};
  std::vector<Allocation> seen;
  for (size_t count = 0; count < std::size(kCounts); ++count)
    seen.push_back(allocate(kDevice, kRows * kWidth * 4));
  ok(backend->awaitHostWork(StreamKind::Compute, 1)); // There is no job.
  EXPECT_EQ(backend->hostWorkUs(), 0);
  for (int turn = 0; turn < 3; ++turn) {
    for (size_t i = 1; i <= kLaunches; ++i)
      std::memset(results[i].data(), 0, results[i].bytes());
    ok(backend->startHostWork(launches));
    for (size_t i = 0; i < std::size(kCounts); ++i) {
      const StreamKind stream =
          i % 2 == 0 ? StreamKind::Compute : StreamKind::Demand;
      ok(backend->awaitHostWork(stream, kCounts[i]));
      ok(backend->copy(stream, seen[i].data(), kDevice,
                       results[std::min(kCounts[i], kLaunches)].data(), kHost,
                       seen[i].bytes()));
    }
    ok(backend->synchronize());
    ok(backend->waitHostWork());
    EXPECT_GT(backend->hostWorkUs(), 0);
    for (size_t i = 0; i < std::size(kCounts); ++i)
      EXPECT_EQ(read(seen[i], kRows * kWidth),
                std::vector<float>(
                    kRows * kWidth,
                    static_cast<float>(std::min(kCounts[i], kLaunches))));
  }
}

// What was enqueued behind a job stays behind that one and waits for no later
// one, which may never be over before.
TEST_P(HostWorkTest, AStreamWaitsForNoLaterJob) {
  Allocation x = allocate(kHost, 4), y = allocate(kHost, 4),
             target = allocate(kDevice, 4);
  floats(x)[0] = 3;
  HostLaunch launch = sum(x, x, y, 1, 1);
  Gate gate;
  ok(backend->hostFunction(StreamKind::Compute, Gate::wait, &gate));
  ok(backend->startHostWork({&launch, 1}));
  ok(backend->awaitHostWork(StreamKind::Compute, 1));
  ok(backend->copy(StreamKind::Compute, target.data(), kDevice, y.data(), kHost,
                   4));
  ok(backend->waitHostWork());
  for (int later = 0; later < 10; ++later) {
    ok(backend->startHostWork({&launch, 1}));
    ok(backend->waitHostWork());
  }
  gate.open = true;
  ok(backend->synchronize());
  EXPECT_FALSE(gate.gaveUp);
  EXPECT_EQ(read(target, 1), std::vector<float>{6});
}

TEST_P(HostWorkTest, IsThereWithoutPreparation) {
  Allocation x = allocate(kHost, 4), y = allocate(kHost, 4);
  floats(x)[0] = 21;
  HostLaunch launch = sum(x, x, y, 1, 1);
  ok(backend->waitHostWork());
  ok(backend->startHostWork({&launch, 1}));
  ok(backend->waitHostWork());
  ok(backend->waitHostWork());
  EXPECT_EQ(floats(y)[0], 42);
}

TEST_P(HostWorkTest, RunsBesideHeldUpStreams) {
  Gate gates[kStreamCount];
  for (int i = 0; i < kStreamCount; ++i)
    ok(backend->hostFunction(kStreams[i], Gate::wait, &gates[i]));
  Allocation x = allocate(kHost, 4), y = allocate(kHost, 4);
  floats(x)[0] = 4;
  HostLaunch launch = sum(x, x, y, 1, 1);
  ok(backend->startHostWork({&launch, 1}));
  ok(backend->waitHostWork());
  EXPECT_EQ(floats(y)[0], 8);
  for (Gate &gate : gates)
    gate.open = true;
  ok(backend->synchronize());
  for (Gate &gate : gates)
    EXPECT_FALSE(gate.gaveUp);
}

// From the device to host work and back, as a layer does it: the event makes
// the inputs visible, waitHostWork the results.
TEST_P(HostWorkTest, TakesFromStreamsAndGivesBack) {
  constexpr int64_t kCount = 2048;
  Allocation x = allocate(kDevice, kCount * 4),
             in = allocate(kHost, kCount * 4),
             out = allocate(kHost, kCount * 4);
  write(x, std::vector<float>(kCount, 1));
  HostLaunch twice = sum(in, in, out, 1, kCount);
  for (int turn = 0; turn < 20; ++turn) {
    ok(backend->copy(StreamKind::Compute, in.data(), kHost, x.data(), kDevice,
                     kCount * 4));
    ok(backend->record(StreamKind::Compute, 0));
    ok(backend->waitOnHost(0));
    ok(backend->startHostWork({&twice, 1}));
    ok(backend->waitHostWork());
    ok(backend->copy(StreamKind::Compute, x.data(), kDevice, out.data(), kHost,
                     kCount * 4));
  }
  ok(backend->synchronize());
  EXPECT_EQ(read(x, kCount), std::vector<float>(kCount, 1 << 20));
}

// What is taken back of a job that no thread has begun is not computed, and
// nothing else changes. Other jobs have nothing to take.
TEST_P(HostWorkTest, GivesBackItsEnd) {
  constexpr int64_t kExperts = 3, kHidden = 96, kInner = 64;
  constexpr int64_t kSlot = 3 * kHidden * kInner;
  ok(backend->prepareHostWork(2));
  Allocation in = allocate(kHost, kExperts * kHidden * 4),
             inner = allocate(kHost, kExperts * kInner * 4),
             out = allocate(kHost, kExperts * kHidden * 4),
             pool = allocate(kHost, kExperts * kSlot * 4);
  for (int64_t i = 0; i < kExperts * kHidden; ++i)
    floats(in)[i] = 1;
  for (int64_t i = 0; i < kExperts * kSlot; ++i)
    floats(pool)[i] = 1.0f / 64;
  int32_t offsets[] = {0, 1, 2, 3}, order[] = {0, 1, 2}, slots[] = {0, 1, 2};
  HostLaunch up{Kernel::ExpertGateUp, {}, kExperts}, down = up;
  up.args.data[0] = in.data();
  up.args.data[1] = offsets;
  up.args.data[2] = order;
  up.args.data[3] = slots;
  up.args.data[4] = pool.data();
  up.args.data[5] = inner.data();
  for (int i : {0, 4, 5})
    up.args.dtype[i] = DType::F32;
  const int64_t dims[] = {kExperts, 1,     kHidden, kInner,
                          kExperts, kSlot, 0,       kHidden * kInner};
  std::copy(std::begin(dims), std::end(dims), up.args.dim);
  up.args.maxRows = kExperts;
  down.kernel = Kernel::ExpertDown;
  down.args = up.args;
  down.args.data[0] = inner.data();
  down.args.data[5] = out.data();
  down.args.dim[6] = 2 * kHidden * kInner;
  down.args.dim[7] = 0;
  const HostLaunch both[] = {up, down};
  auto outputs = [&] {
    return std::vector<float>(floats(out), floats(out) + kExperts * kHidden);
  };
  // Traces say what it read.
  auto bytesRead = [&](int64_t lessOutputs) {
    auto spans = backend->takeTrace();
    EXPECT_TRUE(spans.isOk());
    ASSERT_EQ(spans->size(), 1u);
    EXPECT_EQ(
        spans->front().bytes,
        static_cast<uint64_t>(4 * (kExperts * kSlot - lessOutputs * kInner)));
  };
  ok(backend->startTrace());
  ok(backend->startHostWork(both));
  ok(backend->waitHostWork());
  bytesRead(0);
  EXPECT_EQ(backend->hostWorkLeft(), 0);
  EXPECT_EQ(backend->takeBackHostWork(kHidden), 0);
  const std::vector<float> all = outputs();
  EXPECT_GT(all.front(), 0);

  setFaults("late"); // Nothing is begun before this thread waits.
  for (int64_t asked :
       {int64_t{0}, int64_t{15}, int64_t{32}, kHidden + 40, int64_t{1000}}) {
    std::fill_n(floats(out), kExperts * kHidden, -1.0f);
    ok(backend->startTrace());
    ok(backend->startHostWork(both));
    EXPECT_EQ(backend->hostWorkLeft(), 1);
    const int64_t taken = backend->takeBackHostWork(asked);
    EXPECT_EQ(taken, std::min(asked / 16 * 16, kExperts * kHidden));
    ok(backend->waitHostWork());
    bytesRead(taken);
    std::vector<float> expected = all;
    std::fill(expected.end() - taken, expected.end(), -1.0f);
    EXPECT_EQ(outputs(), expected);
  }
  ok(backend->startHostWork({both, 1}));
  EXPECT_EQ(backend->hostWorkLeft(), 0);
  EXPECT_EQ(backend->takeBackHostWork(kHidden), 0);
  ok(backend->waitHostWork());
  setFaults("");
}

TEST_P(HostWorkTest, ErrorsSayWhatWasExpected) {
  HostLaunch unknown{static_cast<Kernel>(999), {}, 1}, negative;
  negative.rows = -1;
  says(backend->startHostWork({&unknown, 1}), ErrorCode::InvalidArgument,
       "999");
  says(backend->startHostWork({&negative, 1}), ErrorCode::InvalidArgument,
       "-1");
  says(backend->prepareHostWork(5000), ErrorCode::InvalidArgument, "5000");
  // A job that still runs when the next is started.
  constexpr int64_t kCount = 1 << 16;
  Allocation x = allocate(kHost, kCount * 4), y = allocate(kHost, kCount * 4);
  std::vector<HostLaunch> many(100, sum(x, x, y, 1, kCount));
  bool refusedJob = false, refusedThreads = false;
  auto refuses = [&](const Status &status) {
    if (status.isOk()) // The job was done first.
      return false;
    says(status, ErrorCode::InvalidArgument, "waitHostWork");
    return true;
  };
  for (int i = 0; i < 50 && !(refusedJob && refusedThreads); ++i) {
    ok(backend->startHostWork(many));
    refusedJob |= refuses(backend->startHostWork(many));
    ok(backend->waitHostWork());
    ok(backend->startHostWork(many));
    refusedThreads |= refuses(backend->prepareHostWork(1));
    ok(backend->waitHostWork());
  }
  EXPECT_TRUE(refusedJob && refusedThreads);
}

TEST_P(HostWorkTest, ABackendMayGoWhileItRuns) {
  constexpr int64_t kCount = 1 << 16;
  Allocation x = allocate(kHost, kCount * 4), y = allocate(kHost, kCount * 4);
  std::vector<HostLaunch> many(50, sum(x, x, y, 1, kCount));
  auto other = GetParam().make();
  ASSERT_TRUE(other.isOk());
  ok((*other)->startHostWork(many));
}

SLUICE_ON_REAL_BACKENDS(HostWorkTest);

} // namespace
