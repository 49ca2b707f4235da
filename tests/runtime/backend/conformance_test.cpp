//===- conformance_test.cpp - What every backend must do ------------------===//
//
// One suite over all backends. It knows nothing of them but the interface.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/backend/conformance.h"

#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

TEST_P(Conformance, MemoryIsAlignedAndZeroed) {
  for (uint64_t bytes : {1, 255, 256, 257, 1 << 20})
    for (MemoryKind kind : {kDevice, kHost}) {
      Allocation memory = allocate(kind, bytes);
      EXPECT_EQ(memory.bytes(), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % kMemoryAlignment,
                0u);
      Allocation host = allocate(kHost, bytes);
      std::memset(host.data(), 1, bytes);
      ok(backend->copy(StreamKind::CopyBack, host.data(), kHost, memory.data(),
                       kind, bytes));
      ok(backend->synchronize());
      for (uint64_t i = 0; i < bytes; ++i)
        ASSERT_EQ(host.data()[i], std::byte{0});
    }
  EXPECT_EQ(allocate(kDevice, 0).data(), nullptr);
}

TEST_P(Conformance, CopiesOfAllKinds) {
  constexpr uint64_t kBytes = 70001;
  std::mt19937 random(1);
  for (StreamKind stream : kStreams)
    for (MemoryKind from : {kDevice, kHost})
      for (MemoryKind to : {kDevice, kHost}) {
        Allocation start = allocate(kHost, kBytes), a = allocate(from, kBytes);
        Allocation b = allocate(to, kBytes), end = allocate(kHost, kBytes);
        for (uint64_t i = 0; i < kBytes; ++i)
          start.data()[i] = std::byte(random());
        uint64_t at = random() % 100, bytes = 1 + random() % (kBytes - 200);
        ok(backend->copy(stream, a.data(), from, start.data(), kHost, kBytes));
        ok(backend->copy(stream, b.data() + at, to, a.data() + 2 * at, from,
                         bytes));
        ok(backend->copy(stream, end.data(), kHost, b.data(), to, kBytes));
        ok(backend->copy(stream, end.data(), kHost, b.data(), to, 0));
        ok(backend->synchronize(stream));
        EXPECT_EQ(std::memcmp(end.data() + at, start.data() + 2 * at, bytes),
                  0);
        for (uint64_t i = 0; i < at; ++i)
          ASSERT_EQ(end.data()[i], std::byte{0});
        for (uint64_t i = at + bytes; i < kBytes; ++i)
          ASSERT_EQ(end.data()[i], std::byte{0});
      }
}

// Few bytes and more, at odd places, behind what the stream does before and in
// front of what reads them.
TEST_P(Conformance, UploadsStandInOrder) {
  constexpr uint64_t kMost = 5000;
  Allocation source = allocate(kHost, kMost + 100);
  Allocation there = allocate(kDevice, kMost + 100);
  Allocation end = allocate(kHost, kMost + 100);
  std::mt19937 random(2);
  for (uint64_t i = 0; i < source.bytes(); ++i)
    source.data()[i] = std::byte(random());
  Allocation zeros = allocate(kHost, there.bytes());
  for (uint64_t bytes :
       {uint64_t{0}, uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{129},
        uint64_t{2048}, uint64_t{2049}, kMost}) {
    const uint64_t from = random() % 50, to = random() % 50;
    ok(backend->copy(StreamKind::Compute, there.data(), kDevice, zeros.data(),
                     kHost, there.bytes()));
    ok(backend->upload(StreamKind::Compute, there.data() + to,
                       source.data() + from, bytes));
    ok(backend->copy(StreamKind::Compute, end.data(), kHost, there.data(),
                     kDevice, there.bytes()));
    ok(backend->synchronize(StreamKind::Compute));
    for (uint64_t i = 0; i < end.bytes(); ++i)
      ASSERT_EQ(end.data()[i], i < to || i >= to + bytes
                                   ? std::byte{0}
                                   : source.data()[from + i - to])
          << i << " of " << bytes << " from " << to << " on";
  }
}

TEST_P(RealConformance, AStreamRunsInOrder) {
  constexpr int kSteps = 3000; // More than any queue holds.
  Allocation one = allocate(kDevice, 4), x = allocate(kDevice, 4),
             y = allocate(kDevice, 4);
  write(one, {1});
  KernelArgs forth = addition(x, one, y, 1), back = addition(y, one, x, 1);
  ok(backend->hostFunction(StreamKind::Compute, sleepFor,
                           reinterpret_cast<void *>(2000)));
  for (int i = 0; i < kSteps; i += 2) {
    ok(backend->launch(StreamKind::Compute, addKernel(), forth, 1));
    ok(backend->launch(StreamKind::Compute, addKernel(), back, 1));
  }
  ok(backend->synchronize(StreamKind::Compute));
  EXPECT_EQ(read(x, 1)[0], float(kSteps));
}

// A chain of additions hops from stream to stream; an event that does not hold
// loses an addition, as every hop comes after a random delay.
TEST_P(RealConformance, EventsOrderStreams) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    constexpr int kHops = 120, kCount = 4097;
    std::mt19937 random(seed);
    Allocation one = allocate(kDevice, kCount * 4);
    Allocation x = allocate(kDevice, kCount * 4),
               y = allocate(kDevice, kCount * 4);
    write(one, std::vector<float>(kCount, 1));
    KernelArgs forth = addition(x, one, y, kCount),
               back = addition(y, one, x, kCount);
    StreamKind last = StreamKind::Compute;
    for (int hop = 0; hop < kHops; ++hop) {
      StreamKind stream = kStreams[random() % 4];
      uint32_t event = random() % 3; // Few, so that they are used again.
      if (hop > 0) {
        ok(backend->record(last, event));
        ok(backend->wait(stream, event));
      }
      if (random() % 2)
        ok(backend->hostFunction(stream, sleepFor,
                                 reinterpret_cast<void *>(random() % 300)));
      ok(backend->launch(stream, addKernel(), hop % 2 ? back : forth, 1));
      last = stream;
    }
    ok(backend->synchronize());
    EXPECT_EQ(read(x, kCount), std::vector<float>(kCount, kHops));
  }
}

TEST_P(RealConformance, AWaitMeansTheRecordBeforeIt) {
  Gate gate;
  ok(backend->record(StreamKind::Compute, 0));
  ok(backend->wait(StreamKind::Demand, 0));
  ok(backend->hostFunction(StreamKind::Compute, Gate::wait, &gate));
  ok(backend->record(StreamKind::Compute, 0)); // Not what Demand waits for.
  ok(backend->synchronize(StreamKind::Demand));
  gate.open = true;
  ok(backend->synchronize());
  EXPECT_FALSE(gate.gaveUp) << "the wait took a record enqueued after it";
}

TEST_P(Conformance, TheLatestRecordCounts) {
  // The same event, first on Demand and then on Compute, which is held up: a
  // waiter must wait for Compute.
  Allocation host = allocate(kHost, 4), a = allocate(kDevice, 4),
             b = allocate(kDevice, 4);
  floats(host)[0] = 42;
  ok(backend->record(StreamKind::Demand, 5));
  ok(backend->hostFunction(StreamKind::Compute, sleepFor,
                           reinterpret_cast<void *>(3000)));
  ok(backend->copy(StreamKind::Compute, a.data(), kDevice, host.data(), kHost,
                   4));
  ok(backend->record(StreamKind::Compute, 5));
  ok(backend->wait(StreamKind::Prefetch, 5));
  ok(backend->copy(StreamKind::Prefetch, b.data(), kDevice, a.data(), kDevice,
                   4));
  ok(backend->synchronize(StreamKind::Prefetch));
  EXPECT_EQ(read(b, 1)[0], 42);
}

TEST_P(Conformance, WaitingForNoRecordWaitsForNothing) {
  for (StreamKind stream : kStreams)
    ok(backend->wait(stream, 63));
  ok(backend->synchronize());
}

TEST_P(Conformance, ReservingMoreEventsKeepsTheOldOnes) {
  ok(backend->reserveEvents(8));
  ok(backend->reserveEvents(100));
  ok(backend->record(StreamKind::Compute, 99));
  ok(backend->wait(StreamKind::Demand, 99));
  ok(backend->record(StreamKind::Compute, 63));
  ok(backend->synchronize());
}

TEST_P(Conformance, SynchronizeWaitsForTheStream) {
  std::atomic<int> calls{0};
  auto count = [](void *calls) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++*static_cast<std::atomic<int> *>(calls);
  };
  for (int i = 0; i < 5; ++i)
    ok(backend->hostFunction(StreamKind::Prefetch, count, &calls));
  ok(backend->synchronize(StreamKind::Prefetch));
  EXPECT_EQ(calls, 5);
  for (StreamKind stream : kStreams)
    ok(backend->hostFunction(stream, count, &calls));
  ok(backend->synchronize());
  EXPECT_EQ(calls, 9);
}

TEST_P(Conformance, NoRowsDoNothing) {
  KernelArgs args; // Null operands: a kernel that ran would crash.
  args.dim[0] = 1;
  ok(backend->launch(StreamKind::Compute, addKernel(), args, 0));
  ok(backend->synchronize());
}

TEST_P(Conformance, EveryKernelIsThere) {
  for (int i = 0; i < kKernelCount; ++i) {
    auto kernel =
        backend->findKernel(static_cast<Kernel>(i), Arithmetic::Portable);
    EXPECT_TRUE(kernel.isOk() && *kernel) << i;
  }
}

TEST_P(Conformance, ErrorsSayWhatWasExpected) {
  says(backend->record(StreamKind::Compute, 64), ErrorCode::InvalidArgument,
       "64");
  says(backend->wait(StreamKind::Compute, 1u << 30), ErrorCode::InvalidArgument,
       "1073741824");
  KernelArgs args;
  says(backend->launch(StreamKind::Compute, nullptr, args, 1),
       ErrorCode::InvalidArgument, "launch");
  says(backend->launch(StreamKind::Compute, addKernel(), args, -1),
       ErrorCode::InvalidArgument, "-1");
  says(backend->findKernel(static_cast<Kernel>(999), Arithmetic::Portable)
           .status(),
       ErrorCode::Unsupported, "999");
  for (MemoryKind kind : {kDevice, kHost})
    says(backend->allocate(kind, uint64_t{1} << 60).status(),
         ErrorCode::OutOfMemory, "1152921504606846976");
  // And the backend still works.
  ok(backend->synchronize());
  Allocation memory = allocate(kDevice, 16);
  write(memory, {1, 2, 3, 4});
  EXPECT_EQ(read(memory, 4), (std::vector<float>{1, 2, 3, 4}));
}

SLUICE_ON_ALL_BACKENDS(Conformance);
SLUICE_ON_REAL_BACKENDS(RealConformance);

} // namespace
