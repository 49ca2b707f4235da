//===- residency.cpp - Which experts have a slot --------------------------===//

#include "runtime/experts/residency.h"

#include <cassert>
#include <cstring>

namespace sluice::experts {

Residency::Residency(uint32_t slots, std::span<const uint32_t> bankExperts,
                     std::unique_ptr<Policy> policy, uint64_t slotBytes)
    : policy(std::move(policy)), owners(slots, kNone),
      states(slots, SlotState::Free), held(slots, 0), evictable(slots, 0),
      unused(slots, 0), freeSlots(slots), slotBytes(slotBytes) {
  uint32_t count = 0;
  for (uint32_t experts : bankExperts) {
    firstId.push_back(count);
    count += experts;
  }
  banks.reserve(count);
  for (uint32_t bank = 0; bank < bankExperts.size(); ++bank)
    banks.insert(banks.end(), bankExperts[bank], bank);
  slotOfId.assign(count, kNone);
}

void Residency::use(uint32_t id, uint32_t rows) {
  currentBank = banks[id];
  ++sums.demands;
  const uint32_t slot = slotOfId[id];
  if (slot == kNone) {
    ++sums.misses;
  } else {
    ++sums.hits;
    sums.prefetchUsed += unused[slot];
    unused[slot] = 0;
  }
  policy->onUse(id, rows);
}

uint32_t Residency::take(uint32_t id, Purpose purpose) {
  assert(slotOfId[id] == kNone && "the expert has a slot already");
  uint32_t slot;
  if (freeSlots > 0) {
    static_assert(sizeof(SlotState) == 1);
    const void *at = std::memchr(
        states.data(), static_cast<int>(SlotState::Free), states.size());
    slot = static_cast<uint32_t>(static_cast<const SlotState *>(at) -
                                 states.data());
    --freeSlots;
  } else {
    slot = policy->victim(owners, evictable, currentBank);
    if (slot == kNone)
      return kNone;
    ++sums.evictions;
    leave(slot);
  }
  owners[slot] = id;
  slotOfId[id] = slot;
  states[slot] = SlotState::Arriving;
  held[slot] = 1;
  updateEvictable(slot);
  if (purpose == Purpose::Demand) {
    sums.fetchedBytes += slotBytes;
  } else if (purpose == Purpose::Prefetch) {
    ++sums.prefetched;
    sums.prefetchedBytes += slotBytes;
    unused[slot] = 1;
  }
  policy->onArrive(id);
  return slot;
}

void Residency::arrived(uint32_t slot) {
  assert(states[slot] != SlotState::Free && "nothing was on its way");
  states[slot] = SlotState::Ready;
  updateEvictable(slot);
}

void Residency::hold(uint32_t slot) {
  held[slot] = 1;
  updateEvictable(slot);
}

void Residency::release(uint32_t slot) {
  held[slot] = 0;
  updateEvictable(slot);
}

void Residency::forget(uint32_t slot) {
  if (states[slot] == SlotState::Free)
    return;
  leave(slot);
  states[slot] = SlotState::Free;
  held[slot] = 0;
  updateEvictable(slot);
  ++freeSlots;
}

void Residency::ranOnHost(uint32_t id, uint64_t bytes) {
  assert(slotOfId[id] == kNone && "the CPU computes what has no slot");
  (void)id;
  ++sums.hostExperts;
  sums.hostBytes += bytes;
}

void Residency::handedOver(uint32_t id, uint64_t bytes) {
  assert(slotOfId[id] != kNone && "what is handed over moves to a slot");
  (void)id;
  sums.hostBytes -= bytes;
  sums.fetchedBytes -= slotBytes - bytes;
}

/// The owner of `slot` loses it.
void Residency::leave(uint32_t slot) {
  const uint32_t owner = owners[slot];
  if (unused[slot] != 0)
    sums.wastedBytes += slotBytes;
  unused[slot] = 0;
  owners[slot] = kNone;
  slotOfId[owner] = kNone;
  policy->onEvict(owner);
}

void Residency::updateEvictable(uint32_t slot) {
  evictable[slot] = states[slot] == SlotState::Ready && held[slot] == 0;
}

} // namespace sluice::experts
