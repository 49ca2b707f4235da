//===- host_work.cpp - CPU kernels beside the streams ---------------------===//

#include "runtime/backend/host_work.h"
#include "kernels/cpu/registry.h"
#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/core/fault.h"

#include <pthread.h>

namespace sluice {
namespace {

using Clock = cpu::ThreadPool::Clock;

} // namespace

HostWork::HostWork(unsigned threads, std::atomic<uint32_t> &progress)
    : pool(std::make_unique<cpu::ThreadPool>(threads)), callersCore(threads),
      progress(progress), worker([this] { workerLoop(); }) {}

HostWork::~HostWork() {
  wait();
  stopping = true;
  started.fetch_add(1, std::memory_order_release);
  started.notify_one();
  worker.join();
}

bool HostWork::canRun(const HostLaunch &launch) {
  return launch.rows >= 0 && cpu::findCpuKernel(launch.kernel);
}

bool HostWork::areHalves(std::span<const HostLaunch> launches) {
  return launches.size() == 2 && launches[0].rows > 0 &&
         launches[0].rows == launches[1].rows &&
         cpu::ExpertHalves::areHalves(launches[0].kernel, launches[0].args,
                                      launches[1].kernel, launches[1].args,
                                      launches[0].rows);
}

void HostWork::start(std::span<const HostLaunch> launches) {
  if (const cpu_set_t *others = callersCore.moved()) {
    pool->runOn(*others);
    pthread_setaffinity_np(worker.native_handle(), sizeof(*others), others);
  }
  this->launches = launches;
  joint = areHalves(launches);
  if (joint)
    halves.open(launches[0].args, launches[1].args, pool->threads());
  held.store(faultHits(Fault::Late), std::memory_order_relaxed);
  before = progress.load(std::memory_order_relaxed);
  startedAt = Clock::now();
  started.fetch_add(1, std::memory_order_release);
  started.notify_one();
}

void HostWork::wait() {
  letGo();
  uint32_t target = started.load(std::memory_order_relaxed);
  for (uint32_t seen;
       (seen = finished.load(std::memory_order_acquire)) != target;)
    cpu::waitForChange(finished, seen);
}

bool HostWork::isIdle() const {
  return started.load(std::memory_order_relaxed) ==
         finished.load(std::memory_order_acquire);
}

void HostWork::awaitTarget(const std::atomic<uint32_t> &progress,
                           uint32_t target) {
  for (uint32_t seen;
       static_cast<int32_t>((seen = progress.load(std::memory_order_acquire)) -
                            target) < 0;)
    cpu::waitForChange(progress, seen);
}

void HostWork::takeSpans(std::vector<TraceSpan> &target) {
  target.insert(target.end(), spans.begin(), spans.end());
  spans.clear();
}

void HostWork::workerLoop() {
  for (uint32_t job = 0;; ++job) {
    cpu::waitForChange(started, job);
    if (stopping)
      return;
    double start = clock ? clock->now() : 0;
    run();
    us = std::chrono::duration<double, std::micro>(Clock::now() - startedAt)
             .count();
    if (clock)
      spans.push_back({current, kHostTrack, start, clock->now(),
                       joint ? halves.bytesRead() : 0});
    // No plain store: notify_one must not look for waiters before it is seen.
    finished.exchange(job + 1, std::memory_order_acq_rel);
    finished.notify_one();
  }
}

void HostWork::run() {
  while (held.load(std::memory_order_acquire))
    std::this_thread::yield();
  cpu::Parallel parallel = cpu::makeParallel(*pool);
  // Launches follow each other faster than threads wake up.
  pool->stayAwake(Clock::time_point::max());
  auto tellDone = [this] {
    progress.fetch_add(1, std::memory_order_release);
    progress.notify_all();
  };
  if (joint) {
    halves.run(parallel, progress);
    tellDone();
  } else {
    for (const HostLaunch &launch : launches) {
      if (launch.rows > 0)
        cpu::findCpuKernel(launch.kernel)(launch.args, launch.rows, parallel);
      tellDone();
    }
  }
  pool->stayAwake(Clock::now() + cpu::kAwake);
}

} // namespace sluice
