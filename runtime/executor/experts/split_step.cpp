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
  // What the bus takes over does not come to stay: one alone should have the
  // chance. A plan that gives all to the CPU is an order.
  wanted.mayHandOver = missing > 1 && share > 0 && share < 1 &&
                       bank.front() > 0 && host.canHandOver(backend);
  wanted.share = share;
  const uint32_t count =
      divide(missing, queued, wanted.mayHandOver ? 1 - bank.frontShare() : 0,
             balance.times(bank.index, share));
  // Those that have no image on the host are the bus's.
  chosen.resize(std::min<size_t>(chosen.size(), count));
  wanted.mayHandOver &= !chosen.empty();
  if (missing > 0)
    balance.leftOut(bank.index, !wanted.usesHost(), chosen.size() == missing);
  for (uint32_t index : chosen) {
    Item &item = wanted.items[index];
    item.place = Place::Host;
    item.image = static_cast<uint32_t>(
        (home->image(bank.index, item.expert) - bank.pool->hostData) /
        bank.pool->slotBytes);
    bank.residency().ranOnHost(bank.id(item.expert), bank.pool->slotBytes);
  }
  return Status::ok();
}

} // namespace sluice::experts
