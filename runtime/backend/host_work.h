//===- host_work.h - CPU kernels beside the streams -------------*- C++ -*-===//
//
// A thread of its own with threads of its own, so that experts in host memory
// can be computed while every stream of the backend goes on. One job at a time;
// a job is a list of launches of the CPU kernels, run in order, each shared by
// all threads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/backend/trace.h"
#include "runtime/core/status.h"

#include <atomic>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace sluice {

namespace cpu {
class ThreadPool;
}

/// One launch of a portable CPU kernel over memory that the CPU can reach.
struct HostLaunch {
  Kernel kernel = Kernel::Embed;
  KernelArgs args;
  int64_t rows = 0;
};

class HostWork {
public:
  /// `threads` in all share the launches; at least 1.
  explicit HostWork(unsigned threads);
  /// Finishes the job.
  ~HostWork();
  HostWork(const HostWork &) = delete;
  HostWork &operator=(const HostWork &) = delete;

  /// Whether there is such a kernel and its rows are 0 or more.
  static bool canRun(const HostLaunch &launch);
  /// No job may run; `launches` stays alive until wait. What the caller
  /// wrote before is visible to the job.
  void start(std::span<const HostLaunch> launches);
  /// Returns when the job is done; its results are visible. Without a job at
  /// once.
  void wait();
  /// Whether the first `count` launches of the job, or all, are done; their
  /// results are visible then.
  bool hasDone(size_t count) const {
    return count < launches.size()
               ? launched.load(std::memory_order_acquire) >= count
               : isIdle();
  }
  bool isIdle() const;

  /// Measures the jobs from the next start on, against `clock`.
  void trace(const TraceClock *clock) { this->clock = clock; }
  void label(const TraceLabel &label) { this->current = label; }
  /// Appends the spans measured to `spans` and forgets them. While idle.
  void takeSpans(std::vector<TraceSpan> &spans);

private:
  void workerLoop();
  void run();

  std::unique_ptr<cpu::ThreadPool> pool;
  // Written by the caller while idle, read by the worker after `started`.
  std::span<const HostLaunch> launches;
  const TraceClock *clock = nullptr;
  TraceLabel current;
  std::vector<TraceSpan> spans;
  bool stopping = false;
  // Jobs started and finished; equal when idle.
  std::atomic<uint32_t> started{0};
  std::atomic<uint32_t> finished{0};
  std::atomic<uint32_t> launched{0}; ///< Launches of the job that are done.
  std::thread worker;
};

} // namespace sluice
