//===- bench_experts.cpp - Few experts against many on the CPU ------------===//
//
// bench_experts [threads]: the rate of jobs of host work, of 5 experts, as a
// layer of one row leaves to the CPU, of 5 with more rows each, and of all 64.
// The median of many jobs; each takes other experts, so that no cache holds
// them.
//
//===----------------------------------------------------------------------===//

#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/backend/host_work.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <sys/mman.h>

using namespace sluice;

namespace {

constexpr int64_t kHidden = 2048, kInner = 768, kExperts = 64;
constexpr int64_t kPart = kHidden * kInner;
constexpr int kJobs = 50;

/// Each of `experts` serves `rows` rows.
double gigabytesPerSecond(HostWork &work, void *weights, int64_t experts,
                          int64_t rows) {
  const int64_t pairs = experts * rows;
  std::vector<float> in(pairs * kHidden, 0.5f), inner(pairs * kInner),
      out(pairs * kHidden);
  std::vector<int32_t> offsets, order(pairs), slots(experts);
  for (int64_t pair = 0; pair <= pairs; pair += rows)
    offsets.push_back(static_cast<int32_t>(pair));
  std::iota(order.begin(), order.end(), 0);
  KernelArgs up;
  up.maxRows = pairs;
  const int64_t dims[] = {experts,  1,         kHidden, kInner,
                          kExperts, 3 * kPart, 0,       kPart};
  std::copy(std::begin(dims), std::end(dims), up.dim);
  void *data[] = {in.data(),    offsets.data(), order.data(),
                  slots.data(), weights,        inner.data()};
  std::copy(std::begin(data), std::end(data), up.data);
  for (int table : {1, 2, 3})
    up.dtype[table] = DType::I32;
  up.dtype[0] = up.dtype[5] = DType::F32;
  up.dtype[4] = DType::BF16;
  KernelArgs down = up;
  down.data[0] = inner.data();
  down.data[5] = out.data();
  down.dim[6] = 2 * kPart;
  const std::array<HostLaunch, 2> launches = {
      HostLaunch{Kernel::ExpertGateUp, up, pairs},
      HostLaunch{Kernel::ExpertDown, down, pairs}};

  std::array<double, kJobs> seconds;
  int64_t slot = 0;
  for (double &found : seconds) {
    for (int32_t &each : slots)
      each = static_cast<int32_t>(slot++ % kExperts);
    const auto start = std::chrono::steady_clock::now();
    work.start(launches);
    work.wait();
    found =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
  }
  std::nth_element(seconds.begin(), seconds.begin() + kJobs / 2, seconds.end());
  return static_cast<double>(experts * 3 * kPart * 2) / seconds[kJobs / 2] /
         1e9;
}

} // namespace

int main(int argc, char **argv) {
  const int threads =
      argc > 1 ? std::atoi(argv[1]) : static_cast<int>(cpu::usableCores());
  if (threads < 1) {
    std::fprintf(stderr, "threads is '%s': expected at least 1\n", argv[1]);
    return 2;
  }
  constexpr size_t kHugePage = size_t{2} << 20;
  constexpr size_t kBytes = kExperts * 3 * kPart * 2;
  static_assert(kBytes % kHugePage == 0);
  auto *weights =
      static_cast<uint16_t *>(std::aligned_alloc(kHugePage, kBytes));
  if (!weights)
    return 1;
  (void)madvise(weights, kBytes, MADV_HUGEPAGE);
  for (size_t i = 0; i < kBytes / 2; ++i)
    weights[i] = static_cast<uint16_t>(0x3c00 + i % 251);
  std::atomic<uint32_t> progress{0};
  HostWork work(threads, progress);
  auto print = [&](int64_t experts, int64_t rows) {
    std::printf("%d threads, %ld experts of %ld rows: %.1f GB/s\n", threads,
                experts, rows,
                gigabytesPerSecond(work, weights, experts, rows));
  };
  for (int64_t rows : {1, 2, 4, 5, 8, 9, 16})
    print(5, rows);
  print(kExperts, 1);
  std::free(weights);
  return 0;
}
