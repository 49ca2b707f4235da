//===- registry.h - The CPU kernels -----------------------------*- C++ -*-===//
//
// The CPU backend is the reference: every kernel follows the written arithmetic
// (kernels/portable_math.h) whatever instructions the processor has, and gives
// the same bits for every number of threads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"

namespace sluice::cpu {

/// Shares loops out over threads that the caller owns. `run` calls `body` on
/// disjoint ranges that cover [0, count), on any threads and in any order, and
/// returns when all have ended; it must not allocate. Null: the calling thread
/// does everything.
struct Parallel {
  void *pool = nullptr;
  void (*run)(void *pool, int64_t count,
              void (*body)(void *context, int64_t begin, int64_t end),
              void *context) = nullptr;
  int64_t threads = 1; ///< The most that run may use.
};

/// Runs one launch over `rows` rows, 0 <= rows <= args.maxRows. Trusts `args`:
/// operands as the signature says, ids and positions inside their limits. Each
/// thread uses up to 256 KiB of stack; nothing is allocated and nothing kept.
/// Safe to call from several threads on operands that do not overlap.
using CpuKernel = void (*)(const KernelArgs &args, int64_t rows,
                           const Parallel &parallel);

/// The function that serves `kernel` in both arithmetic classes; null when the
/// value is none of the enum's.
CpuKernel findCpuKernel(Kernel kernel);

} // namespace sluice::cpu
