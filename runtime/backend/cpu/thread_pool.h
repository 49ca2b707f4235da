//===- thread_pool.h - Threads that share one kernel's work -----*- C++ -*-===//
//
// A kernel hands over a range and a body; the calling thread and the pool's
// threads take pieces of it until none is left. Nothing is allocated per call.
// Which thread takes which piece varies from run to run: bodies must not care.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/registry.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <sched.h>
#include <thread>
#include <vector>

namespace sluice::cpu {

/// The most threads that anyone may ask for.
inline constexpr unsigned kMaxThreads = 1024;

/// Cores this process may run on: a container often has fewer than the machine.
unsigned usableCores();

/// How long a thread that waits for another stays awake: a layer's next job
/// comes sooner, and waking up would take a good part of what it lasts.
inline constexpr std::chrono::microseconds kAwake(200);

/// Returns when `value` is not `old` any more, for kAwake without sleeping.
/// Whoever changes it notifies.
void waitForChange(const std::atomic<uint32_t> &value, uint32_t old);

class ThreadPool {
public:
  using Body = void (*)(void *context, int64_t begin, int64_t end);

  /// A pool of `threads` in all: the caller of run is one of them.
  explicit ThreadPool(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned threads() const { return unsigned(workers.size()) + 1; }

  /// Calls body(context, begin, end) over disjoint pieces that cover [0, count)
  /// and returns when all are done. Any thread may call; while one call has the
  /// pool, the others run on their own thread alone.
  void run(int64_t count, Body body, void *context);

  /// Lets its own threads run on `cores` alone, which are cores of the process.
  void runOn(const cpu_set_t &cores);

  using Clock = std::chrono::steady_clock;
  /// Until then, idle threads do not fall asleep, so that a call soon after
  /// another finds them at once. They use their cores up meanwhile.
  void stayAwake(Clock::time_point until) {
    awakeUntil.store(until.time_since_epoch().count(),
                     std::memory_order_relaxed);
  }

private:
  void workerLoop();
  void takePieces();
  bool join();
  void leave();

  // The job. Written while the pool is closed and nobody has joined.
  Body body = nullptr;
  void *context = nullptr;
  int64_t count = 0;
  std::atomic<int64_t> next{0};

  /// kClosed, or the number of threads that have joined the open job, or both
  /// while the last ones finish.
  std::atomic<uint32_t> state;
  std::atomic<bool> busy{false};
  /// Changes with every job; idle threads sleep on it.
  std::atomic<uint32_t> epoch{0};
  std::atomic<bool> stopping{false};
  std::atomic<Clock::rep> awakeUntil{0};
  std::vector<std::thread> workers;
};

/// Kernels share their loops out over `pool`, which stays alive; a pool of one
/// thread makes them serial.
Parallel makeParallel(ThreadPool &pool);

} // namespace sluice::cpu
