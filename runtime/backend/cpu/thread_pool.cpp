//===- thread_pool.cpp - Threads that share one kernel's work -------------===//

#include "runtime/backend/cpu/thread_pool.h"

#include <algorithm>
#include <pthread.h>

namespace sluice::cpu {
namespace {
constexpr uint32_t kClosed = uint32_t{1} << 31;
/// A piece is this part of a thread's even share of what is left: large pieces
/// first cost little, small ones last let all threads end together.
constexpr int64_t kPiecesPerShare = 3;
} // namespace

void waitForChange(const std::atomic<uint32_t> &value, uint32_t old) {
  const auto end = ThreadPool::Clock::now() + kAwake;
  while (value.load(std::memory_order_acquire) == old)
    if (ThreadPool::Clock::now() < end)
      std::this_thread::yield();
    else
      value.wait(old, std::memory_order_acquire);
}

unsigned usableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  return std::max(1, CPU_COUNT(&set));
}

Parallel makeParallel(ThreadPool &pool) {
  if (pool.threads() == 1)
    return {};
  return {&pool,
          [](void *pool, int64_t count, ThreadPool::Body body, void *context) {
            static_cast<ThreadPool *>(pool)->run(count, body, context);
          },
          pool.threads()};
}

ThreadPool::ThreadPool(unsigned threads) : state(kClosed) {
  workers.reserve(threads - 1);
  for (unsigned i = 1; i < threads; ++i)
    workers.emplace_back([this] { workerLoop(); });
}

ThreadPool::~ThreadPool() {
  stopping.store(true);
  epoch.fetch_add(1);
  epoch.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::runOn(const cpu_set_t &cores) {
  for (std::thread &worker : workers)
    pthread_setaffinity_np(worker.native_handle(), sizeof(cores), &cores);
}

void ThreadPool::run(int64_t count, Body body, void *context) {
  if (count <= 0)
    return;
  if (count == 1 || workers.empty() ||
      busy.exchange(true, std::memory_order_acquire)) {
    body(context, 0, count);
    return;
  }
  this->body = body;
  this->context = context;
  this->count = count;
  next.store(0, std::memory_order_relaxed);
  state.store(0, std::memory_order_release);
  epoch.fetch_add(1, std::memory_order_release);
  epoch.notify_all();

  takePieces();

  // Close the job: threads that have not woken up yet are not waited for.
  uint32_t current =
      state.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
  // They are at their last pieces: falling asleep and waking up would take
  // longer.
  while (current != kClosed) {
    waitForChange(state, current);
    current = state.load(std::memory_order_acquire);
  }
  busy.store(false, std::memory_order_release);
}

void ThreadPool::takePieces() {
  const int64_t parts = int64_t{threads()} * kPiecesPerShare;
  int64_t begin = next.load(std::memory_order_relaxed);
  while (begin < count) {
    const int64_t piece = std::max<int64_t>(1, (count - begin) / parts);
    if (!next.compare_exchange_weak(begin, begin + piece,
                                    std::memory_order_relaxed))
      continue;
    body(context, begin, begin + piece);
    begin = next.load(std::memory_order_relaxed);
  }
}

bool ThreadPool::join() {
  uint32_t current = state.load(std::memory_order_relaxed);
  do {
    if (current & kClosed)
      return false;
  } while (!state.compare_exchange_weak(current, current + 1,
                                        std::memory_order_acq_rel));
  return true;
}

void ThreadPool::leave() {
  if (state.fetch_sub(1, std::memory_order_acq_rel) == (kClosed | 1))
    state.notify_one();
}

void ThreadPool::workerLoop() {
  for (;;) {
    uint32_t seen = epoch.load(std::memory_order_acquire);
    if (stopping.load())
      return;
    if (join()) {
      takePieces();
      leave();
    }
    while (epoch.load(std::memory_order_relaxed) == seen &&
           Clock::now().time_since_epoch().count() <
               awakeUntil.load(std::memory_order_relaxed))
      std::this_thread::yield();
    epoch.wait(seen, std::memory_order_acquire);
  }
}

} // namespace sluice::cpu
