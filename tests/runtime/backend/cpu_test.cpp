//===- cpu_test.cpp - What only the CPU backend has -----------------------===//

#include "runtime/backend/cpu/callers_core.h"
#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
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

/// The cores of the thread, put back at the end.
class OwnCores {
public:
  OwnCores() { sched_getaffinity(0, sizeof(all), &all); }
  ~OwnCores() { sched_setaffinity(0, sizeof(all), &all); }
  /// Core `index` of those that the process may use.
  int core(int index) const {
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &all) && index-- == 0)
        return core;
    return -1;
  }
  static void stayOn(int core) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof(one), &one);
  }
  int count() const { return CPU_COUNT(&all); }

private:
  cpu_set_t all;
};

TEST(CallersCore, IsLeftToTheCaller) {
  OwnCores cores;
  cpu::CallersCore callers(1);
  if (cores.count() < 2) { // There is none to leave.
    EXPECT_EQ(callers.moved(), nullptr);
    return;
  }
  const int first = cores.core(0), second = cores.core(1);
  OwnCores::stayOn(first);
  const cpu_set_t *others = callers.moved();
  ASSERT_NE(others, nullptr);
  EXPECT_FALSE(CPU_ISSET(first, others));
  EXPECT_TRUE(CPU_ISSET(second, others));
  EXPECT_EQ(CPU_COUNT(others), cores.count() - 1);
  EXPECT_EQ(callers.moved(), nullptr);
  // Only a caller that stays there is made room for.
  OwnCores::stayOn(second);
  EXPECT_EQ(callers.moved(), nullptr);
  others = callers.moved();
  ASSERT_NE(others, nullptr);
  EXPECT_TRUE(CPU_ISSET(first, others));
  EXPECT_FALSE(CPU_ISSET(second, others));
}

TEST(CallersCore, IsSharedWhereThereIsNoOther) {
  cpu::CallersCore callers(cpu::usableCores());
  EXPECT_EQ(callers.moved(), nullptr);
}

TEST(ThreadPool, RunsOnTheCoresItIsGiven) {
  OwnCores cores;
  const int last = cores.core(cores.count() - 1);
  cpu::ThreadPool pool(2);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  pool.runOn(one);
  struct Seen {
    std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> others{0}, elsewhere{0};
    int core;
  } seen;
  seen.core = last;
  // Until the pool's own thread has had a piece.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (seen.others == 0 && std::chrono::steady_clock::now() < end)
    pool.run(
        64,
        [](void *context, int64_t, int64_t) {
          auto &seen = *static_cast<Seen *>(context);
          if (std::this_thread::get_id() == seen.caller) {
            std::this_thread::yield();
            return;
          }
          ++seen.others;
          seen.elsewhere += sched_getcpu() != seen.core;
        },
        &seen);
  EXPECT_GT(seen.others, 0);
  EXPECT_EQ(seen.elsewhere, 0);
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
