//===- demand_step.cpp - ExpertDemand -------------------------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>
#include <thread>

namespace sluice::experts {

Status Engine::demand(const DemandOperands &operands, uint32_t rows) {
  SLUICE_RETURN_IF_ERROR(awaitIds(operands.event));
  SLUICE_RETURN_IF_ERROR(observeHost());
  transfers.wavesAreDone();
  transfers.demandIsDone();
  releaseHeld();
  SLUICE_RETURN_IF_ERROR(prefetcher.poll());

  Bank &bank = store.banks[operands.bank];
  if (routing)
    routing->fill(step, bank.index, rows, bank.topK, operands.ids);
  auto rowOf = [&](uint32_t part) {
    return static_cast<uint32_t>(uint64_t{part} * rows / operands.parts);
  };
  const uint32_t first = rowOf(operands.part), end = rowOf(operands.part + 1);
  SLUICE_RETURN_IF_ERROR(wanted.open(bank,
                                     {operands.ids, size_t{rows} * bank.topK},
                                     first, end, operands.all));
  std::copy(operands.ids + first * bank.topK, operands.ids + end * bank.topK,
            bank.latest.begin() + first * bank.topK);
  bank.latestRows = rows;
  prefetcher.drop(bank);
  lookUp();
  return Status::ok();
}

/// Prefetches go on while the device computes what routes, and the bus while it
/// computes what is in slots.
Status Engine::awaitIds(uint32_t event) {
  while (prefetcher.isWaiting() || learnsBus) {
    // The bus first: it ends before the ids come.
    if (learnsBus) {
      SLUICE_RETURN_IF_ERROR(lookAtBus());
      learnFromBus();
    }
    SLUICE_ASSIGN_OR_RETURN(bool done, backend.query(event));
    if (done) {
      learnsBus = false;
      return Status::ok();
    }
    SLUICE_RETURN_IF_ERROR(pump());
    if (!backend.isVirtual())
      std::this_thread::yield();
  }
  return backend.waitOnHost(event);
}

/// Gives the slots of the demand before back, now that everything that read
/// them is over.
void Engine::releaseHeld() {
  if (!wanted.bank)
    return;
  const Bank &bank = *wanted.bank;
  Residency &residency = bank.residency();
  for (const Item &item : wanted.items) {
    if (item.place == Place::Missing || item.place == Place::Host ||
        residency.slotOf(bank.id(item.expert)) != item.slot)
      continue;
    const bool isWhole = item.place != Place::Tail;
    if (!isWhole || (forgetHeld && item.place == Place::Sent))
      residency.forget(item.slot);
    else
      residency.release(item.slot);
  }
  wanted.items.clear();
  forgetHeld = false;
}

/// Says of each item where it is, and holds what is in a slot.
void Engine::lookUp() {
  Bank &bank = *wanted.bank;
  Residency &residency = bank.residency();
  for (Item &item : wanted.items) {
    const uint32_t id = bank.id(item.expert);
    residency.use(id, std::max(item.pairs, 1u));
    item.slot = residency.slotOf(id);
    if (item.slot == kNone)
      continue;
    residency.hold(item.slot);
    item.place = Place::Slot;
    if (residency.state(item.slot) == SlotState::Arriving) {
      item.place = Place::Coming;
      prefetcher.claim(*bank.pool, item.slot);
    }
  }
}

} // namespace sluice::experts
