//===- transfers.cpp - Slot images on their way to slots ------------------===//

#include "runtime/executor/experts/transfers.h"

namespace sluice::experts {

/// Before the copies into a slot.
Status Transfers::prepare(StreamKind stream, const Bank &bank, uint32_t expert,
                          uint32_t slot) {
  const Pool &pool = *bank.pool;
  // The event of an older wave may have been recorded again: then this waits
  // for a younger one, which is right too.
  if (pool.readBy[slot] > doneWave)
    SLUICE_RETURN_IF_ERROR(
        backend.wait(stream, firstEvent + pool.readBy[slot] % kWaveEvents));
  backend.label({stream == StreamKind::Prefetch ? "prefetch" : "expert",
                 static_cast<int32_t>(bank.layer),
                 static_cast<int32_t>(expert)});
  return Status::ok();
}

Status Transfers::move(StreamKind stream, const Bank &bank, uint32_t slot,
                       const std::byte *image, uint64_t from, uint64_t end) {
  return backend.copy(stream, bank.pool->slot(slot) + from, MemoryKind::Device,
                      image + from, MemoryKind::Host, end - from);
}

Status Transfers::copyIn(StreamKind stream, const Bank &bank, uint32_t expert,
                         uint32_t slot, const std::byte *image, bool fromRing,
                         Part part) {
  const Pool &pool = *bank.pool;
  SLUICE_RETURN_IF_ERROR(prepare(stream, bank, expert, slot));
  uint64_t moved = 0;
  if (part == Part::InTwo) {
    moved = bank.front();
    SLUICE_RETURN_IF_ERROR(move(stream, bank, slot, image, 0, moved));
    SLUICE_RETURN_IF_ERROR(backend.record(stream, frontEvent()));
  }
  SLUICE_RETURN_IF_ERROR(
      move(stream, bank, slot, image, moved, pool.slotBytes));
  SLUICE_RETURN_IF_ERROR(backend.record(stream, pool.event(slot)));
  if (stream == StreamKind::Demand)
    demandEvent = pool.event(slot);
  if (fromRing)
    ringCopies.push_back({image, pool.event(slot)});
  return Status::ok();
}

Status Transfers::copyTail(const Bank &bank, uint32_t expert, uint32_t slot,
                           const std::byte *image, uint64_t from) {
  const Pool &pool = *bank.pool;
  SLUICE_RETURN_IF_ERROR(prepare(StreamKind::Demand, bank, expert, slot));
  SLUICE_RETURN_IF_ERROR(
      move(StreamKind::Demand, bank, slot, image, from, pool.slotBytes));
  demandEvent = pool.event(slot);
  return backend.record(StreamKind::Demand, demandEvent);
}

Status Transfers::waitForDemand(StreamKind stream) {
  return demandEvent == kNone ? Status::ok()
                              : backend.wait(stream, demandEvent);
}

Result<uint64_t> Transfers::recordWave() {
  ++lastWave;
  SLUICE_RETURN_IF_ERROR(
      backend.record(StreamKind::Compute, firstEvent + lastWave % kWaveEvents));
  return lastWave;
}

Status Transfers::returnPlaces() {
  size_t kept = 0;
  for (size_t i = 0; i < ringCopies.size(); ++i) {
    SLUICE_ASSIGN_OR_RETURN(bool done, backend.query(ringCopies[i].event));
    if (done)
      home->doneWith(ringCopies[i].image);
    else
      ringCopies[kept++] = ringCopies[i];
  }
  ringCopies.resize(kept);
  return Status::ok();
}

Result<bool> Transfers::waitForPlace() {
  if (ringCopies.empty())
    return false;
  SLUICE_RETURN_IF_ERROR(backend.waitOnHost(ringCopies.front().event));
  SLUICE_RETURN_IF_ERROR(returnPlaces());
  return true;
}

} // namespace sluice::experts
