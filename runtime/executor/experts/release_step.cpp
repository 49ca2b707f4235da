//===- release_step.cpp - ExpertRelease and ExpertPrefetch ----------------===//

#include "runtime/executor/experts/engine.h"

namespace sluice::experts {

/// The slots themselves are given back when the device has read them: at the
/// next demand.
Status Engine::release(bool forget) {
  const Bank &bank = *wanted.bank;
  forgetHeld = forget;
  if (learning) {
    // The rows of this part, here and in the bank before.
    auto rowsOf = [&](const Bank &of) {
      return std::span<const int32_t>(of.latest).subspan(
          wanted.firstRow * of.topK,
          (wanted.endRow - wanted.firstRow) * of.topK);
    };
    std::span<const int32_t> previous;
    if (bank.index > 0 && store.banks[bank.index - 1].topK == bank.topK)
      previous = rowsOf(store.banks[bank.index - 1]);
    prefetcher.observe(bank, previous, rowsOf(bank));
  }
  return Status::ok();
}

Status Engine::prefetch(uint32_t bank, uint32_t from, uint32_t limit) {
  std::span<const int32_t> evidence;
  if (from != kNone) {
    const Bank &before = store.banks[from];
    evidence = std::span(before.latest).first(before.latestRows * before.topK);
  }
  prefetcher.guess(store.banks[bank], evidence, limit);
  // While the bus has the demand to move the device waits for it, and there is
  // time to enqueue something behind that. Later the device waits for what
  // follows this: then guesses go while the host waits for ids.
  SLUICE_ASSIGN_OR_RETURN(const bool arrived, transfers.demandHasArrived());
  return arrived ? Status::ok() : pump();
}

} // namespace sluice::experts
