//===- expert_halves.h - Both halves of few experts at once -----*- C++ -*-===//
//
// expert_gate_up and expert_down behind it in one loop. As two loops every
// thread would wait for the slowest one between them, which is a good part of
// what few experts take; here a thread goes on with the second half of one
// expert while others are still at the first half of another. The same tiles,
// so the same bits.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/registry.h"

#include <array>
#include <atomic>

namespace sluice::cpu {

class ExpertHalves {
public:
  static constexpr int64_t kMostExperts = 1024;

  /// Whether launches of `first` and then `second` over `rows` rows may be run
  /// so: the second goes on with the rows of the first, of as many experts from
  /// the first one on or fewer, and writes nothing that the first reads.
  static bool areHalves(Kernel first, const KernelArgs &up, Kernel second,
                        const KernelArgs &down, int64_t rows);

  /// Runs both. `upDone` gets one added, and is notified, when all rows of `up`
  /// are there, which whoever sees it sees too. One call at a time.
  void run(const KernelArgs &up, const KernelArgs &down,
           const Parallel &parallel, std::atomic<uint32_t> &upDone);

private:
  /// Outputs of the first half that are not there yet, by expert.
  std::array<std::atomic<int64_t>, kMostExperts> left = {};
};

} // namespace sluice::cpu
