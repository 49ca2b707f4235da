//===- bench_cpu.cpp - linear against the machine's read bandwidth --------===//
//
// bench_cpu [threads]: best of five passes over more weights than caches hold.
//
//===----------------------------------------------------------------------===//

#include "kernels/convert.h"
#include "kernels/cpu/primitives.h"
#include "kernels/cpu/registry.h"
#include "tests/kernels/threads.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace sluice;

namespace {

constexpr int64_t kInputs = 2048, kOutputs = 65536, kMaxRows = 8;
constexpr int64_t kBytes = kInputs * kOutputs * 2;

template <typename Body> double gigabytesPerSecond(const Body &body) {
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    auto begin = std::chrono::steady_clock::now();
    body();
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - begin;
    best = std::max(best, static_cast<double>(kBytes) / seconds.count() / 1e9);
  }
  return best;
}

struct Sum {
  const uint64_t *words;
  std::atomic<uint64_t> total{0};
};

// One word of each cache line: what limits it is the memory.
constexpr int64_t kLineWords = 8;
void sumLines(void *context, int64_t begin, int64_t end) {
  auto *sum = static_cast<Sum *>(context);
  uint64_t total = 0;
  for (int64_t i = begin; i < end; ++i)
    total += sum->words[i * kLineWords];
  sum->total += total;
}

} // namespace

int main(int argc, char **argv) {
  int count = argc > 1 ? std::atoi(argv[1])
                       : static_cast<int>(std::thread::hardware_concurrency());
  if (count < 1) {
    std::fprintf(stderr, "threads is '%s': expected at least 1\n", argv[1]);
    return 2;
  }
  test::Threads threads(count);
  cpu::Parallel parallel = threads.parallel();
  std::vector<uint16_t> weights(kInputs * kOutputs);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = toBf16(static_cast<float>(i % 251) * 0.01f - 1).bits;
  std::vector<float> in(kInputs * kMaxRows, 0.5f), out(kOutputs * kMaxRows);

  Sum sum{reinterpret_cast<const uint64_t *>(weights.data())};
  double read = gigabytesPerSecond(
      [&] { parallel.run(parallel.pool, kBytes / 64, sumLines, &sum); });
  std::printf("%d threads, %s, bf16 weights [%ld, %ld]; read %.1f GB/s\n",
              count, cpu::primitives().name, kOutputs, kInputs, read);
  for (int64_t rows : {1, 2, 4, 8}) {
    KernelArgs args;
    args.data[0] = in.data();
    args.data[1] = weights.data();
    args.data[3] = out.data();
    args.dtype[0] = args.dtype[3] = DType::F32;
    args.dtype[1] = DType::BF16;
    args.dim[0] = kInputs;
    args.dim[1] = kOutputs;
    args.maxRows = kMaxRows;
    double rate = gigabytesPerSecond(
        [&] { cpu::findCpuKernel(Kernel::Linear)(args, rows, parallel); });
    std::printf("linear, %ld rows: %.1f GB/s, %.0f%% of reading\n", rows, rate,
                100 * rate / read);
  }
  // Used, so that no compiler drops the reads.
  return sum.total == 1 ? 1 : 0;
}
