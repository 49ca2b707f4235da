//===- parallel.cpp - Reads by several threads ----------------------------===//

#include "runtime/io/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice {

Status forEachParallel(size_t count, unsigned threads,
                       const std::function<Status(size_t, unsigned)> &body) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  size_t failedIndex = 0;
  Status failure;
  auto work = [&](unsigned thread) {
    while (!failed.load(std::memory_order_relaxed)) {
      size_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= count)
        return;
      Status status = body(index, thread);
      if (status)
        continue;
      std::lock_guard lock(mutex);
      if (failure.isOk() || index < failedIndex) {
        failure = std::move(status);
        failedIndex = index;
      }
      failed.store(true, std::memory_order_relaxed);
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < std::min<size_t>(threads, count); ++i)
    others.emplace_back(work, i);
  work(0);
  for (std::thread &other : others)
    other.join();
  return failure;
}

} // namespace sluice
