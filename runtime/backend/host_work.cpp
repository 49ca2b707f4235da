//===- host_work.cpp - CPU kernels beside the streams ---------------------===//

#include "runtime/backend/host_work.h"
#include "kernels/cpu/registry.h"
#include "runtime/backend/cpu/thread_pool.h"

namespace sluice {

HostWork::HostWork(unsigned threads)
    : pool(std::make_unique<cpu::ThreadPool>(threads)),
      worker([this] { workerLoop(); }) {}

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

void HostWork::start(std::span<const HostLaunch> launches) {
  this->launches = launches;
  started.fetch_add(1, std::memory_order_release);
  started.notify_one();
}

void HostWork::wait() {
  uint32_t target = started.load(std::memory_order_relaxed);
  for (uint32_t seen;
       (seen = finished.load(std::memory_order_acquire)) != target;)
    finished.wait(seen, std::memory_order_acquire);
}

bool HostWork::isIdle() const {
  return started.load(std::memory_order_relaxed) ==
         finished.load(std::memory_order_acquire);
}

void HostWork::takeSpans(std::vector<TraceSpan> &target) {
  target.insert(target.end(), spans.begin(), spans.end());
  spans.clear();
}

void HostWork::workerLoop() {
  for (uint32_t job = 0;; ++job) {
    started.wait(job, std::memory_order_acquire);
    if (stopping)
      return;
    double start = clock ? clock->now() : 0;
    run();
    if (clock)
      spans.push_back({current, kHostTrack, start, clock->now(), 0});
    finished.store(job + 1, std::memory_order_release);
    finished.notify_one();
  }
}

void HostWork::run() {
  cpu::Parallel parallel = cpu::makeParallel(*pool);
  // Launches follow each other faster than threads wake up.
  pool->stayAwake(true);
  for (const HostLaunch &launch : launches)
    if (launch.rows > 0)
      cpu::findCpuKernel(launch.kernel)(launch.args, launch.rows, parallel);
  pool->stayAwake(false);
}

} // namespace sluice
