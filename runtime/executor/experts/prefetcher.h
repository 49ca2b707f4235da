//===- prefetcher.h - Experts brought before they are asked for -*- C++ -*-===//
//
// A queue in software in front of the prefetch stream. At most kInFlight
// experts are on their way at a time, so that a demand never stands behind a
// long queue of guesses, and a guess that proves wrong before its turn costs
// nothing.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/experts/transfers.h"
#include "runtime/experts/predictor.h"

#include <span>

namespace sluice::experts {

class Prefetcher {
public:
  static constexpr size_t kInFlight = 2;

  /// `plan` gives the first counts of the predictor.
  Prefetcher(Backend &backend, Store &store, Transfers &transfers,
             const plan::fb::Plan &plan);

  void start(ExpertHome &home) { this->home = &home; }

  /// Queues the likeliest missing experts of `bank`, `limit` at most, given the
  /// ids that the rows used in the bank before (empty: by popularity).
  void guess(Bank &bank, std::span<const int32_t> previous, uint32_t limit);
  /// The bank's demand is known: what has not begun is given up.
  void drop(Bank &bank);
  /// The expert in `slot`, on its way, was demanded: it stays held.
  void claim(const Pool &pool, uint32_t slot);

  /// The expert, whose read was begun here, was demanded: its arrival goes to
  /// the demand. False when no read of it is under way.
  bool adoptRead(Bank &bank, uint32_t expert);

  /// Takes note of copies that are done.
  Status poll();
  /// Begins as many as may be on their way. Not while a demand is being
  /// fetched.
  Status begin();
  /// An expert whose read was begun here has arrived. `mayCopy` as for begin.
  Status arrived(const ExpertHome::Arrival &arrival, bool mayCopy);
  /// Waits for the oldest copy; false when none is under way.
  Result<bool> waitForOldest();

  /// Whether pumping could begin something.
  bool isWaiting() const { return next < queue.size() || reads > 0; }
  /// Learns from a demand. `previous`: of the same rows.
  void observe(const Bank &bank, std::span<const int32_t> previous,
               std::span<const int32_t> ids) {
    predictor.observe(bank.index, previous, ids, bank.topK);
  }

private:
  struct Guess {
    uint32_t bank, expert;
  };
  struct Copy {
    Pool *pool;
    uint32_t slot;
    bool claimed;
  };

  Status copyIn(Bank &bank, uint32_t expert, uint32_t slot,
                const std::byte *image, bool fromRing);
  Result<bool> beginOne(const Guess &guess);

  Backend &backend;
  Store &store;
  Transfers &transfers;
  ExpertHome *home = nullptr;
  Predictor predictor;
  std::vector<Guess> queue; ///< From `next` on.
  size_t next = 0;
  std::vector<Copy> copies; ///< Oldest first.
  uint32_t reads = 0;       ///< Reads under way, copies not begun.
  std::vector<uint32_t> candidates;
  std::vector<uint8_t> seen; ///< Scratch of guess, the largest bank's size.
};

} // namespace sluice::experts
