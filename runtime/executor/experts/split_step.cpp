//===- split_step.cpp - ExpertSplit ---------------------------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>

namespace sluice::experts {
namespace {

/// How many of `missing` experts the CPU takes so that it and the bus, which
/// has `queued` more to move, end as close together as whole experts allow.
/// `share` is the CPU's part of the rates of both.
uint32_t hostCount(uint32_t missing, uint32_t queued, float share) {
  uint32_t best = 0;
  float least = 0;
  for (uint32_t count = 0; count <= missing; ++count) {
    // Times in units of what both rates together need for one expert.
    float host = count == 0 ? 0 : static_cast<float>(count) / share;
    uint32_t left = missing - count;
    float bus = left == 0 ? 0 : static_cast<float>(left + queued) / (1 - share);
    float time = std::max(host, bus);
    if (count == 0 || time < least) {
      best = count;
      least = time;
    }
  }
  return best;
}

} // namespace

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
  uint32_t count = hostCount(missing, queued, share);
  chosen.resize(std::min<size_t>(chosen.size(), count));
  for (uint32_t index : chosen) {
    Item &item = wanted.items[index];
    item.place = Place::Host;
    item.slot = static_cast<uint32_t>(
        (home->image(bank.index, item.expert) - bank.pool->hostData) /
        bank.pool->slotBytes);
    bank.residency().ranOnHost(bank.id(item.expert), bank.pool->slotBytes);
  }
  return Status::ok();
}

} // namespace sluice::experts
