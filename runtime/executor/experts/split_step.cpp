//===- split_step.cpp - ExpertSplit ---------------------------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>

namespace sluice::experts {

Status Engine::split(float share) {
  const Bank &bank = *wanted.bank;
  std::vector<uint32_t> &chosen = wanted.onHost;
  uint32_t missing = 0, queued = 0;
  for (uint32_t i = 0; i < wanted.items.size(); ++i) {
    const Item &item = wanted.items[i];
    queued += item.place == Place::Coming;
    if (item.place != Place::Missing)
      continue;
    ++missing;
    if (item.pairs > 0 && home->image(bank.index, item.expert))
      chosen.push_back(i);
  }
  // The bus moves an expert at the same price for any number of rows; the CPU
  // does not compute it so.
  std::sort(chosen.begin(), chosen.end(), [&](uint32_t a, uint32_t b) {
    const Item &left = wanted.items[a], &right = wanted.items[b];
    return left.pairs != right.pairs ? left.pairs < right.pairs : a < b;
  });
  // What is shared does not come to stay: one alone should have the chance.
  const double front =
      missing > 1 && host.canShare(backend) ? bank.frontShare() : 0;
  const Division division =
      divide(missing, queued, front, balance.times(share));
  // Those that have no image on the host are the bus's.
  const auto count = std::min<size_t>(chosen.size(), division.host);
  if (division.shared && count < chosen.size())
    wanted.shared = chosen[count];
  chosen.resize(count);
  if (missing > 0)
    balance.leftOut(!wanted.usesHost(), chosen.size() == missing);
  for (uint32_t index : chosen) {
    giveToHost(index, Place::Host);
    bank.residency().ranOnHost(bank.id(wanted.items[index].expert),
                               bank.pool->slotBytes);
  }
  if (wanted.shared != kNone)
    giveToHost(wanted.shared, Place::Shared);
  return Status::ok();
}

void Engine::giveToHost(uint32_t index, Place place) {
  const Bank &bank = *wanted.bank;
  Item &item = wanted.items[index];
  item.place = place;
  item.image = static_cast<uint32_t>(
      (home->image(bank.index, item.expert) - bank.pool->hostData) /
      bank.pool->slotBytes);
}

} // namespace sluice::experts
