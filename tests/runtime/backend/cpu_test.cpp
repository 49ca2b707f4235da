//===- cpu_test.cpp - What only the CPU backend has -----------------------===//

#include "runtime/backend/backend.h"
#include "runtime/backend/cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace sluice;

namespace {

struct Marks {
  std::vector<std::atomic<int>> *marks;
  static void mark(void *context, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      (*static_cast<Marks *>(context)->marks)[i].fetch_add(
          1, std::memory_order_relaxed);
  }
};

bool marksEachOnce(cpu::ThreadPool &pool, int64_t count) {
  std::vector<std::atomic<int>> marks(count);
  Marks context{&marks};
  pool.run(count, Marks::mark, &context);
  return std::all_of(marks.begin(), marks.end(),
                     [](auto &m) { return m == 1; });
}

TEST(ThreadPool, CoversEachRangeOnce) {
  for (unsigned threads : {1u, 2u, 5u}) {
    cpu::ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int repeat = 0; repeat < 50; ++repeat)
      for (int64_t count : {0, 1, 2, 7, 64, 1001})
        ASSERT_TRUE(marksEachOnce(pool, count))
            << threads << " threads, " << count;
  }
}

TEST(ThreadPool, CoversEachRangeOnceWhileAwake) {
  constexpr auto kNever = cpu::ThreadPool::Clock::time_point::min();
  constexpr auto kForever = cpu::ThreadPool::Clock::time_point::max();
  cpu::ThreadPool pool(3);
  for (int repeat = 0; repeat < 100; ++repeat) {
    pool.stayAwake(repeat % 3 == 0 ? kNever : kForever);
    for (int64_t count : {2, 64, 1001})
      ASSERT_TRUE(marksEachOnce(pool, count)) << count;
  }
  pool.stayAwake(kForever); // The pool ends all the same.
}

TEST(ThreadPool, ServesSeveralCallersAtOnce) {
  cpu::ThreadPool pool(3);
  std::atomic<int> failures{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat)
        failures += !marksEachOnce(pool, 100);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(failures, 0);
}

TEST(CpuBackend, GuardsSeeWritesOutside) {
  for (int64_t at : {-1, -256, 100, 355}) {
    auto backend = makeCpuBackend({1, 200});
    auto memory = (*backend)->allocate(MemoryKind::Device, 100);
    EXPECT_TRUE((*backend)->checkGuards().isOk());
    memory->data()[at] = std::byte{0};
    Status status = (*backend)->checkGuards();
    ASSERT_FALSE(status.isOk()) << at;
    EXPECT_NE(status.message().find("100 bytes"), std::string_view::npos);
    memory->data()[at] = std::byte{0xA5};
    EXPECT_TRUE((*backend)->checkGuards().isOk());
  }
}

TEST(CpuBackend, RefusesTooManyThreads) {
  auto backend = makeCpuBackend({5000, 0});
  ASSERT_FALSE(backend.isOk());
  EXPECT_NE(backend.status().message().find("5000"), std::string_view::npos);
}

TEST(CpuBackend, CountsTheMemoryInUse) {
  auto backend = makeCpuBackend();
  auto refusal = [&] {
    auto huge = (*backend)->allocate(MemoryKind::Host, uint64_t{1} << 60);
    return std::string(huge.status().message());
  };
  {
    auto memory = (*backend)->allocate(MemoryKind::Host, 4096);
    EXPECT_NE(refusal().find(" 4096 in use"), std::string::npos) << refusal();
  }
  EXPECT_NE(refusal().find(" 0 in use"), std::string::npos) << refusal();
}

} // namespace
