//===- host_work.h - CPU kernels beside the streams -------------*- C++ -*-===//
//
// A thread of its own with threads of its own, so that experts in host memory
// can be computed while every stream of the backend goes on. One job at a time;
// a job is a list of launches of the CPU kernels, run in order, each shared by
// all threads; a job of both halves of the same experts runs them as one.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/expert_halves.h"
#include "kernels/kernel.h"
#include "runtime/backend/cpu/callers_core.h"
#include "runtime/backend/trace.h"
#include "runtime/core/status.h"

#include <algorithm>
#include <atomic>
#include <chrono>
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
  /// `threads` in all share the launches; at least 1. `progress` gets one added
  /// for every launch that is done, by nobody else, and stays as long as this.
  HostWork(unsigned threads, std::atomic<uint32_t> &progress);
  /// Finishes the job.
  ~HostWork();
  HostWork(const HostWork &) = delete;
  HostWork &operator=(const HostWork &) = delete;

  /// Whether there is such a kernel and its rows are 0 or more.
  static bool canRun(const HostLaunch &launch);
  /// Whether they are both halves of the same experts, which run as one.
  static bool areHalves(std::span<const HostLaunch> launches);
  /// No job may run; `launches` stays alive until wait. What the caller
  /// wrote before is visible to the job.
  void start(std::span<const HostLaunch> launches);
  /// Returns when the job is done; its results are visible. Without a job at
  /// once.
  void wait();
  /// Somebody is about to wait for the job: a fault that keeps it from
  /// beginning ends.
  void letGo() { held.store(false, std::memory_order_release); }
  bool isIdle() const;

  // Of a job of both halves of the same experts; other jobs have nothing left
  // for anyone else.

  /// See ExpertHalves: outputs of the second half that the job will not compute
  /// after all. Only the thread that starts jobs may call.
  int64_t takeBack(int64_t outputs) {
    return joint ? halves.takeBack(outputs) : 0;
  }
  /// The share of its weights that is still to be read, as far as threads go on
  /// as they do; 0 when none of them has anything to begin.
  double left() const { return joint ? halves.left() : 0; }

  /// What `progress` is once the first `count` launches of the job, or all, are
  /// done; whoever sees that sees their results.
  uint32_t target(size_t count) const {
    return before + static_cast<uint32_t>(std::min(count, launches.size()));
  }
  /// Sleeps until a target is reached. Any thread may call.
  static void awaitTarget(const std::atomic<uint32_t> &progress,
                          uint32_t target);
  /// Microseconds from the last start to the end of its job. While idle.
  double lastUs() const { return us; }

  /// Measures the jobs from the next start on, against `clock`.
  void trace(const TraceClock *clock) { this->clock = clock; }
  void label(const TraceLabel &label) { this->current = label; }
  /// Appends the spans measured to `spans` and forgets them. While idle.
  void takeSpans(std::vector<TraceSpan> &spans);

private:
  void workerLoop();
  void run();

  std::unique_ptr<cpu::ThreadPool> pool;
  cpu::CallersCore callersCore;
  cpu::ExpertHalves halves;
  std::atomic<uint32_t> &progress;
  // Written by the caller while idle, read by the worker after `started`.
  std::span<const HostLaunch> launches;
  bool joint = false;            ///< Both halves of the same experts.
  std::atomic<bool> held{false}; ///< Of Fault::Late.
  uint32_t before = 0;           ///< What `progress` was when the job started.
  std::chrono::steady_clock::time_point startedAt;
  const TraceClock *clock = nullptr;
  TraceLabel current;
  std::vector<TraceSpan> spans;
  double us = 0;
  bool stopping = false;
  // Jobs started and finished; equal when idle.
  std::atomic<uint32_t> started{0};
  std::atomic<uint32_t> finished{0};
  std::thread worker;
};

} // namespace sluice
