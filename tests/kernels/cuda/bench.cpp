//===- bench.cpp - Bandwidth and rate of the kernels that matter ----------===//
//
// Prints a table: each kernel at the sizes of Qwen3-30B-A3B, next to the
// device's copy bandwidth of the same run. Weights are larger than the L2 and
// random. Times are medians of graph replays.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/cuda/bench.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

using namespace sluice;
using namespace sluice::bench;

namespace {

double copyBandwidth(Bench &bench) {
  double seconds = bench.time([&] {
    check(cudaMemcpyAsync(bench.other, bench.weights, kPool,
                          cudaMemcpyDeviceToDevice, bench.context.stream),
          "copy");
  });
  return 2 * kPool / seconds * 1e-9;
}

KernelArgs linearArgs(std::byte *weight, std::byte *in, std::byte *out,
                      int64_t inputs, int64_t outputs, int64_t maxRows) {
  KernelArgs args;
  void *data[] = {in, weight, nullptr, out};
  std::copy(std::begin(data), std::end(data), args.data);
  args.dtype[0] = args.dtype[1] = args.dtype[2] = args.dtype[3] = DType::BF16;
  args.dim[0] = inputs;
  args.dim[1] = outputs;
  args.maxRows = maxRows;
  return args;
}

/// Passes over `count` weight matrices, one launch each.
void benchLinear(Bench &bench, int64_t inputs, int64_t outputs, double copy) {
  size_t bytes = static_cast<size_t>(inputs * outputs * 2);
  int64_t count = static_cast<int64_t>(std::max(size_t{1}, kPool / bytes));
  count = std::min<int64_t>(count, 96);
  for (int64_t rows : {1, 2, 4, 8}) {
    double seconds = bench.time([&] {
      for (int64_t i = 0; i < count; ++i)
        bench.run(Kernel::Linear, Arithmetic::Portable,
                  linearArgs(bench.weights + i * bytes, bench.other,
                             bench.other + (kPool / 2), inputs, outputs, 8),
                  rows);
    });
    double rate = static_cast<double>(count) * static_cast<double>(bytes) /
                  seconds * 1e-9;
    std::printf("linear portable %5ld x %6ld, %ld rows: %6.0f GB/s, %3.0f%% of "
                "copy, %7.2f us a launch\n",
                long(inputs), long(outputs), long(rows), rate,
                100 * rate / copy, seconds / static_cast<double>(count) * 1e6);
  }
}

void benchLinearTensor(Bench &bench, int64_t inputs, int64_t outputs,
                       int64_t rows) {
  size_t bytes = static_cast<size_t>(inputs * outputs * 2);
  int64_t count = std::min<int64_t>(16, static_cast<int64_t>(kPool / bytes));
  double seconds = bench.time([&] {
    for (int64_t i = 0; i < count; ++i)
      bench.run(Kernel::Linear, Arithmetic::Tensor,
                linearArgs(bench.weights + i * bytes, bench.other,
                           bench.other + kPool / 2, inputs, outputs, 512),
                rows);
  });
  seconds /= static_cast<double>(count);
  double operations = 2.0 * static_cast<double>(inputs * outputs * rows);
  std::printf("linear tensor   %5ld x %6ld, %3ld rows of 512: %6.0f TFLOP/s, "
              "%7.2f us\n",
              long(inputs), long(outputs), long(rows),
              operations / seconds * 1e-12, seconds * 1e6);
}

/// 128 experts of 2048 x 768, 8 a row, over as many slots as the pool holds.
void benchExperts(Bench &bench, int64_t rows, Arithmetic arithmetic,
                  double copy) {
  constexpr int64_t kExperts = 128, kTopK = 8, kHidden = 2048, kInner = 768;
  constexpr int64_t kSlot = 3 * kHidden * kInner;
  int64_t slots = std::min<int64_t>(kExperts, kPool / (kSlot * 2));
  std::mt19937 engine(2);
  std::vector<int32_t> ids, slotOf(kExperts), every(kExperts);
  for (int e = 0; e < kExperts; ++e) {
    slotOf[e] = static_cast<int32_t>(e % slots);
    every[e] = e;
  }
  std::vector<bool> used(kExperts, false);
  for (int64_t row = 0; row < rows; ++row) {
    std::shuffle(every.begin(), every.end(), engine);
    for (int k = 0; k < kTopK; ++k) {
      ids.push_back(every[k]);
      used[every[k]] = true;
    }
  }
  auto active = static_cast<double>(std::count(used.begin(), used.end(), true));
  std::byte *at = bench.other + kPool / 2;
  auto place = [&](size_t bytes) {
    std::byte *here = at;
    at += (bytes + 255) / 256 * 256;
    return here;
  };
  std::byte *idsAt = place(ids.size() * 4), *order = place(ids.size() * 4);
  std::byte *offsets = place((kExperts + 1) * 4), *slotAt = place(kExperts * 4);
  std::byte *inner = place(rows * kTopK * kInner * 4);
  std::byte *out = place(rows * kTopK * kHidden * 4);
  check(cudaMemcpy(idsAt, ids.data(), ids.size() * 4, cudaMemcpyDefault),
        "ids");
  check(cudaMemcpy(slotAt, slotOf.data(), kExperts * 4, cudaMemcpyDefault),
        "slots");
  KernelArgs demand, up, down;
  demand.data[0] = idsAt;
  demand.data[1] = offsets;
  demand.data[2] = order;
  demand.dim[0] = kExperts;
  demand.dim[1] = kTopK;
  void *upData[] = {bench.other, offsets, order, slotAt, bench.weights, inner};
  void *downData[] = {inner, offsets, order, slotAt, bench.weights, out};
  std::copy(std::begin(upData), std::end(upData), up.data);
  std::copy(std::begin(downData), std::end(downData), down.data);
  up.dtype[0] = up.dtype[4] = down.dtype[4] = DType::BF16;
  down.dtype[0] = down.dtype[5] = up.dtype[5] = DType::F32;
  int64_t upDims[] = {kExperts, kTopK, kHidden, kInner,
                      slots,    kSlot, 0,       kHidden * kInner};
  int64_t downDims[] = {
      kExperts, kTopK, kHidden, kInner, slots, kSlot, 2 * kHidden * kInner};
  std::copy(std::begin(upDims), std::end(upDims), up.dim);
  std::copy(std::begin(downDims), std::end(downDims), down.dim);
  demand.maxRows = up.maxRows = down.maxRows = rows;
  double demanding = bench.time(
      [&] { bench.run(Kernel::ExpertDemand, arithmetic, demand, rows); });
  double first = bench.time(
      [&] { bench.run(Kernel::ExpertGateUp, arithmetic, up, rows); });
  double second = bench.time(
      [&] { bench.run(Kernel::ExpertDown, arithmetic, down, rows); });
  double bytes = active * kHidden * kInner * 2;
  double rate = 3 * bytes / (first + second) * 1e-9;
  double operations =
      6.0 * static_cast<double>(rows * kTopK) * kHidden * kInner;
  std::printf(
      "experts %-8s %3ld rows, %3.0f experts: demand %5.1f us, gate and "
      "up %7.1f us, down %7.1f us: %5.0f GB/s (%3.0f%% of copy), %4.0f "
      "TFLOP/s\n",
      name(arithmetic), long(rows), active, demanding * 1e6, first * 1e6,
      second * 1e6, rate, 100 * rate / copy,
      operations / (first + second) * 1e-12);
}

/// `rows` rows at the end of a context of `context` tokens of one sequence.
void benchAttention(Bench &bench, int64_t rows, int64_t context,
                    Arithmetic arithmetic) {
  constexpr int64_t kHeads = 32, kKvHeads = 4, kHeadDim = 128, kPage = 16;
  int64_t pages = (context + kPage - 1) / kPage;
  int64_t splits = (context + 255) / 256;
  std::vector<int32_t> position(rows), sequence(rows, 0), table(pages);
  for (int64_t r = 0; r < rows; ++r)
    position[r] = static_cast<int32_t>(context - rows + r);
  for (int64_t p = 0; p < pages; ++p)
    table[p] = static_cast<int32_t>((p * 7919) % pages);
  std::byte *at = bench.other + kPool / 2;
  auto place = [&](const std::vector<int32_t> &values) {
    std::byte *here = at;
    check(cudaMemcpy(here, values.data(), values.size() * 4, cudaMemcpyDefault),
          "ids");
    at += (values.size() * 4 + 255) / 256 * 256;
    return here;
  };
  KernelArgs args;
  size_t cache = static_cast<size_t>(pages * kPage * kKvHeads * kHeadDim * 2);
  args.data[0] = bench.other;
  args.data[1] = bench.weights;
  args.data[2] = bench.weights + (cache + 255) / 256 * 256;
  args.data[3] = place(position);
  args.data[4] = place(sequence);
  args.data[5] = place(table);
  args.data[6] = at;
  args.data[7] = bench.other + kPool / 4;
  args.dtype[0] = args.dtype[1] = args.dtype[2] = args.dtype[7] = DType::BF16;
  int64_t dims[] = {kHeads, kKvHeads, kHeadDim, pages,       kPage,
                    1,      pages,    splits,   kHeadDim + 2};
  std::copy(std::begin(dims), std::end(dims), args.dim);
  args.scalar[0] = 0.088388f;
  args.maxRows = rows;
  if (arithmetic == Arithmetic::Portable &&
      static_cast<size_t>(rows * kHeads * splits * (kHeadDim + 2) * 4) >
          kPool / 4)
    args.data[6] = nullptr;
  double seconds =
      bench.time([&] { bench.run(Kernel::Attention, arithmetic, args, rows); });
  std::printf("attention %-8s %3ld rows, context %5ld: %7.1f us, %5.0f GB/s of "
              "cache read once\n",
              name(arithmetic), long(rows), long(context), seconds * 1e6,
              2 * static_cast<double>(cache) / seconds * 1e-9);
}

} // namespace

int main() {
  int count = 0;
  if (cudaError_t code = cudaGetDeviceCount(&count);
      code != cudaSuccess || count == 0) {
    std::printf("skipped: no GPU (%s)\n", code != cudaSuccess
                                              ? cudaGetErrorString(code)
                                              : "CUDA sees no device");
    return 0;
  }
  Bench bench;
  bench.open();
  double copy = copyBandwidth(bench);
  std::printf("device copy: %.0f GB/s read and written\n", copy);
  benchLinear(bench, 2048, 196608, copy);
  benchLinear(bench, 2048, 2048, copy);
  benchLinear(bench, 768, 2048, copy);
  for (bool library : {true, false}) {
    cublasLtHandle_t blas = bench.context.blas;
    if (!library)
      bench.context.blas = nullptr;
    std::printf("linear tensor with %s:\n",
                library ? "cuBLASLt" : "tiles of our own");
    for (int64_t rows : {16, 64, 512})
      benchLinearTensor(bench, 2048, 4096, rows);
    benchLinearTensor(bench, 4096, 8192, 512);
    bench.context.blas = blas;
  }
  for (int64_t rows : {1, 2, 4, 8, 64})
    benchExperts(bench, rows, Arithmetic::Portable, copy);
  for (int64_t rows : {16, 64, 512})
    benchExperts(bench, rows, Arithmetic::Tensor, copy);
  for (int64_t context : {256, 4096, 32768})
    benchAttention(bench, 1, context, Arithmetic::Portable);
  benchAttention(bench, 8, 4096, Arithmetic::Portable);
  for (int64_t context : {512, 4096})
    benchAttention(bench, 512, context, Arithmetic::Tensor);
  benchDecode(bench);
  return 0;
}
