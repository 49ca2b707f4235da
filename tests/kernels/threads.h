//===- threads.h - A Parallel for tests --------------------------*- C++
//-*-===//
//
// Starts its threads anew for every loop: slow, and nothing to get wrong.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/registry.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sluice::test {

class Threads {
public:
  explicit Threads(int count) : count(count) {}
  cpu::Parallel parallel() { return {this, run, count}; }

private:
  static void run(void *pool, int64_t total,
                  void (*body)(void *context, int64_t begin, int64_t end),
                  void *context) {
    // Small uneven ranges, so that ranges begin anywhere.
    int count = static_cast<Threads *>(pool)->count;
    int64_t step = std::max<int64_t>(1, total / (7 * count));
    std::atomic<int64_t> next{0};
    auto work = [&] {
      for (int64_t i; (i = next.fetch_add(step)) < total;)
        body(context, i, std::min(total, i + step));
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
      threads.emplace_back(work);
    for (std::thread &thread : threads)
      thread.join();
  }
  int count;
};

} // namespace sluice::test
