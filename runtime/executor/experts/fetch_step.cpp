//===- fetch_step.cpp - ExpertFetch ---------------------------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>

namespace sluice::experts {

Status Engine::fetch() {
  Bank &bank = *wanted.bank;
  launched = released = releasedWaves = launches = 0;
  waveEnds.clear();
  inTwo = kNone;
  // In the order in which they will run: what is there, what is coming, then
  // what this enqueues.
  for (Place place : {Place::Slot, Place::Coming})
    for (uint32_t i = 0; i < wanted.items.size(); ++i)
      if (wanted.items[i].place == place)
        wanted.sequence.push_back(i);
  for (uint32_t i = 0; i < wanted.items.size(); ++i) {
    const Item &item = wanted.items[i];
    if (item.place != Place::Missing)
      continue;
    if (home->image(bank.index, item.expert))
      wanted.missing.push_back(i);
    else if (prefetcher.adoptRead(bank, item.expert))
      ++wanted.reads;
    else
      wanted.unread.push_back(i);
  }
  // Most rows first: they give the device the most to do meanwhile.
  auto byRows = [&](uint32_t a, uint32_t b) {
    const Item &left = wanted.items[a], &right = wanted.items[b];
    return left.pairs != right.pairs ? left.pairs > right.pairs : a < b;
  };
  std::sort(wanted.missing.begin(), wanted.missing.end(), byRows);
  std::sort(wanted.unread.begin(), wanted.unread.end(), byRows);
  SLUICE_RETURN_IF_ERROR(startReads());
  // Where the CPU takes a part, its threads come first: starting them is
  // quicker than to enqueue the copies. runHost goes on.
  return wanted.usesHost() ? Status::ok() : fillSlots();
}

/// Starts as many reads as the ring has places for.
Status Engine::startReads() {
  for (; wanted.nextUnread < wanted.unread.size(); ++wanted.nextUnread) {
    uint32_t expert = wanted.items[wanted.unread[wanted.nextUnread]].expert;
    Bank &bank = *wanted.bank;
    SLUICE_ASSIGN_OR_RETURN(bool begun, home->startRead(bank.index, expert));
    if (!begun)
      return Status::ok();
    bank.reading[expert] = Reading::Demand;
    ++wanted.reads;
  }
  return Status::ok();
}

/// Sends what has an image to slots, as far as there are any. What was read
/// from disk goes first: it keeps a place of the ring.
Status Engine::fillSlots() {
  for (; wanted.nextRead < wanted.read.size(); ++wanted.nextRead) {
    const Demand::Read &read = wanted.read[wanted.nextRead];
    SLUICE_ASSIGN_OR_RETURN(bool sent, send(read.item, read.image, true));
    if (!sent)
      return Status::ok();
  }
  for (; wanted.nextMissing < wanted.missing.size(); ++wanted.nextMissing) {
    uint32_t index = wanted.missing[wanted.nextMissing];
    const std::byte *image =
        home->image(wanted.bank->index, wanted.items[index].expert);
    const bool isLast = wanted.nextMissing + 1 == wanted.missing.size() &&
                        !wanted.readsDisk() && !wanted.mayHandOver;
    SLUICE_ASSIGN_OR_RETURN(bool sent, send(index, image, false, isLast));
    if (!sent)
      return Status::ok();
  }
  return Status::ok();
}

/// The bus moves what the fetch sent since `startUs`, behind what a prefetch
/// did.
void Engine::trackBus(double startUs) {
  const Bank &bank = *wanted.bank;
  bus.begin(startUs, balance.times(bank.index, wanted.share).bus);
  for (uint32_t index : wanted.sequence) {
    const Item &item = wanted.items[index];
    const uint32_t event = bank.pool->event(item.slot);
    if (item.place == Place::Coming)
      bus.addBegun(event);
    else if (item.place == Place::Sent)
      bus.add(event, 1, startUs);
  }
}

/// Asks which of the copies have arrived.
Status Engine::lookAtBus() {
  while (bus.waiting() > 0) {
    SLUICE_ASSIGN_OR_RETURN(const bool done, backend.query(bus.event()));
    if (!done)
      break;
    bus.arrive();
  }
  bus.looked(backend.clockUs());
  return Status::ok();
}

/// Takes the time when the bus has moved everything.
void Engine::learnFromBus() {
  const auto moved = bus.moved();
  if (!moved || !learnsBus)
    return;
  balance.moved(wanted.bank->index, moved->experts, moved->us, moved->isExact);
  learnsBus = false;
}

/// False when every slot is in use. Nothing hides the kernels of what arrives
/// last: its image moves in two, and while the second part is on its way the
/// device computes with the first. Where a wave needs more than an image, the
/// launches would take longer than what they hide.
Result<bool> Engine::send(uint32_t index, const std::byte *image, bool fromRing,
                          bool isLast) {
  const Bank &bank = *wanted.bank;
  Item &item = wanted.items[index];
  uint32_t slot = bank.residency().take(bank.id(item.expert), Purpose::Demand);
  if (slot == kNone)
    return false;
  item.slot = slot;
  item.place = Place::Sent;
  wanted.sequence.push_back(index);
  const Pool &pool = *bank.pool;
  auto parts = Transfers::Part::Whole;
  if (isLast && pool.waveBytes > 0 && pool.waveBytes <= pool.slotBytes &&
      bank.front() > 0) {
    parts = Transfers::Part::InTwo;
    inTwo = index;
  }
  SLUICE_RETURN_IF_ERROR(transfers.copyIn(StreamKind::Demand, bank, item.expert,
                                          slot, image, fromRing, parts));
  return true;
}

} // namespace sluice::experts
