//===- bench.h - What the benchmarks share ----------------------*- C++ -*-===//
#pragma once

#include "kernels/cuda/registry.h"

#include <cstddef>
#include <functional>

namespace sluice::bench {

/// Ends the program with one line where `code` is an error.
void check(cudaError_t code, const char *what);

constexpr size_t kPool = size_t{1} << 30;

/// The device, a stream and two pools of memory; kept until the program ends.
struct Bench {
  cuda::CudaContext context;
  std::byte *weights = nullptr; ///< kPool random bf16 between -1 and 1.
  std::byte *other = nullptr;   ///< kPool for everything else, the same values.

  void open();

  /// Seconds of what `enqueue` puts on the stream: median of replays of a
  /// graph. `before` is put on the stream ahead of each replay and not timed.
  double time(const std::function<void()> &enqueue,
              const std::function<void()> &before = nullptr);

  void run(Kernel kernel, Arithmetic arithmetic, const KernelArgs &args,
           int64_t rows);
};

/// The kernels of one decode step's layer at one row, each alone and in order.
void benchDecode(Bench &bench);

} // namespace sluice::bench
