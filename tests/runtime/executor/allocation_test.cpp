//===- allocation_test.cpp - A step leaves the heap alone -----------------===//
//
// Counts calls of operator new on all threads while steps run. (The decode
// loop's test counts malloc itself, over whole generations.)
//
//===----------------------------------------------------------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "tests/runtime/executor/run_tiny.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> allocations{0};

void *counted(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void *data = std::malloc(bytes ? bytes : 1))
    return data;
  std::abort();
}
} // namespace

void *operator new(std::size_t bytes) { return counted(bytes); }
void *operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void *data) noexcept { std::free(data); }
void operator delete[](void *data) noexcept { std::free(data); }
void operator delete(void *data, std::size_t) noexcept { std::free(data); }
void operator delete[](void *data, std::size_t) noexcept { std::free(data); }

using namespace sluice;
using namespace sluice::testing;

namespace {

void expectNoAllocation(const TinyPlan &plan) {
  TinyOnDisk disk(plan);
  auto backend = makeCpuBackend({3, 0});
  auto executor = disk.load(**backend);
  ASSERT_TRUE(executor.isOk()) << executor.status().message();
  fill(**executor, EntryPoint::Prefill, {{1, 0, 0}, {2, 1, 0}, {3, 0, 1}},
       {1, 2});
  auto decode = ints(**executor, EntryPoint::Decode, fb::Role::Tokens);
  fill(**executor, EntryPoint::Decode, {{1, 2, 0}, {2, 1, 1}}, {0, 1});
  bool ok = true;
  auto run = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      // Other experts each time.
      decode[0] = i % 24;
      ok &= (*executor)->execute(EntryPoint::Prefill, 3, 2, true).isOk();
      ok &= (*executor)->execute(EntryPoint::Decode, 2, 2, false).isOk();
    }
  };
  // Stretches that can be captured are, the second time they run.
  run(2);
  long before = allocations.load();
  ASSERT_GT(before, 0) << "the counter does not count";
  run(50);
  long after = allocations.load();
  EXPECT_TRUE(ok);
  EXPECT_EQ(after, before);
}

} // namespace

TEST(Allocation, AStepAllocatesNothing) { expectNoAllocation(makeTinyPlan()); }

TEST(Allocation, AStepThatMovesExpertsAllocatesNothing) {
  expectNoAllocation(makeTinyDynamicPlan());
}
