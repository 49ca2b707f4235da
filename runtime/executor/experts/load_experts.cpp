//===- load_experts.cpp - Slots that are full from the start --------------===//

#include "runtime/executor/experts/engine.h"

namespace sluice::experts {

Status Engine::load(std::unique_ptr<ExpertHome> from,
                    const plan::fb::Plan &plan) {
  home = std::move(from);
  uint32_t places = 0;
  for (const Pool &pool : store.pools)
    places += pool.places;
  transfers.start(*home, places);
  prefetcher.start(*home);
  for (Bank &bank : store.banks)
    for (uint32_t expert : *plan.expert_banks()->Get(bank.index)->resident())
      SLUICE_RETURN_IF_ERROR(loadOne(bank, expert));
  while (home->readsInFlight() > 0)
    SLUICE_RETURN_IF_ERROR(drainOne());
  SLUICE_RETURN_IF_ERROR(backend.synchronize());
  transfers.demandIsDone();
  return transfers.returnPlaces();
}

Status Engine::loadOne(Bank &bank, uint32_t expert) {
  if (const std::byte *image = home->image(bank.index, expert))
    return loadSlot(bank, expert, image, false);
  for (;;) {
    SLUICE_ASSIGN_OR_RETURN(bool begun, home->startRead(bank.index, expert));
    if (begun)
      return Status::ok();
    SLUICE_RETURN_IF_ERROR(drainOne());
  }
}

/// Makes room in the ring.
Status Engine::drainOne() {
  if (home->readsInFlight() == 0) {
    SLUICE_ASSIGN_OR_RETURN(bool waited, transfers.waitForPlace());
    return waited ? Status::ok()
                  : Status(ErrorCode::Internal,
                           "no place of the ring is free and none is in use");
  }
  SLUICE_ASSIGN_OR_RETURN(ExpertHome::Arrival arrival, home->waitRead());
  return loadSlot(store.banks[arrival.bank], arrival.expert, arrival.image,
                  true);
}

Status Engine::loadSlot(Bank &bank, uint32_t expert, const std::byte *image,
                        bool fromRing) {
  Residency &residency = bank.residency();
  uint32_t slot = residency.take(bank.id(expert), Purpose::Load);
  // The verifier has counted: there are no more residents than slots.
  if (slot == kNone)
    return Status(ErrorCode::Internal, "more resident experts than slots");
  SLUICE_RETURN_IF_ERROR(transfers.copyIn(StreamKind::Demand, bank, expert,
                                          slot, image, fromRing));
  residency.arrived(slot);
  residency.release(slot);
  return Status::ok();
}

} // namespace sluice::experts
