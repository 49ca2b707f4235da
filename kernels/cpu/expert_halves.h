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

  /// Takes up both, for one run of so many threads. From here on takeBack and
  /// left may be called.
  void open(const KernelArgs &up, const KernelArgs &down, unsigned threads);

  /// Runs what was opened. `upDone` gets one added, and is notified, when all
  /// rows of `up` are there, which whoever sees it sees too. One call at a
  /// time.
  void run(const Parallel &parallel, std::atomic<uint32_t> &upDone);

  // Any thread may call these from the end of open on, also while run is under
  // way; after it there is nothing left.

  /// Takes the last outputs of the second half back that no thread has begun:
  /// `outputs` of them or, since pieces stay whole, a few less. They count over
  /// its experts with rows, `hidden` of each. Gives how many will not be
  /// computed.
  int64_t takeBack(int64_t outputs);
  /// Of the weights that both halves read the share that is still to be read;
  /// what each thread is at counts half.
  double left() const;

  /// Bytes of weights that the run which is over has read.
  uint64_t bytesRead() const;

private:
  /// Pieces from `next` to `end`: those that are left, or those of a thread.
  struct Work {
    uint32_t next, end;
  };
  static Work unpack(uint64_t word) {
    return {static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)};
  }
  static uint64_t pack(Work work) {
    return uint64_t{work.end} << 32 | work.next;
  }

  /// Pieces that a thread takes when so many are left: fewer and fewer, so that
  /// all threads end together.
  int64_t atOnce(Work now) const;
  /// The next pieces for a thread; none when none are left.
  Work take();

  KernelArgs up, down;
  int64_t threads = 1;
  int64_t pieces = 0, upPieces = 0; ///< The first half's come first.
  int64_t most = 1; ///< Pieces of the second half that a thread takes at most.
  int64_t upBytes = 0, downBytes = 0; ///< Of a piece.
  std::atomic<uint64_t> work{0};
  /// Outputs of the first half that are not there yet, by expert.
  std::array<std::atomic<int64_t>, kMostExperts> missing = {};
};

} // namespace sluice::cpu
