//===- prefetcher.cpp - Experts brought before they are asked for ---------===//

#include "runtime/executor/experts/prefetcher.h"

#include <algorithm>
#include <utility>

namespace sluice::experts {
namespace {

std::vector<uint32_t> bankExperts(const Store &store) {
  std::vector<uint32_t> experts;
  experts.reserve(store.banks.size());
  for (const Bank &bank : store.banks)
    experts.push_back(bank.experts);
  return experts;
}

} // namespace

Prefetcher::Prefetcher(Backend &backend, Store &store, Transfers &transfers,
                       const plan::fb::Plan &plan)
    : backend(backend), store(store), transfers(transfers),
      predictor(bankExperts(store)), candidates(store.maxExperts),
      seen(store.maxExperts) {
  size_t most = 0;
  for (const Bank &bank : store.banks) {
    most += bank.experts;
    const plan::fb::ExpertBank &from = *plan.expert_banks()->Get(bank.index);
    if (from.popularity() && from.popularity()->size() > 0)
      predictor.seedPopularity(
          bank.index, {from.popularity()->data(), from.popularity()->size()});
    if (from.successors() && from.successors()->size() > 0 && bank.index > 0)
      predictor.seedSuccessors(
          bank.index, {from.successors()->data(), from.successors()->size()},
          from.successor_count());
  }
  queue.reserve(most);
  copies.reserve(kInFlight);
}

void Prefetcher::guess(Bank &bank, std::span<const int32_t> previous,
                       uint32_t limit) {
  drop(bank);
  if (next == queue.size()) {
    queue.clear();
    next = 0;
  }
  // Beyond about as many experts as the layer before used, a guess is noise.
  uint32_t used = 0;
  std::fill(seen.begin(), seen.end(), uint8_t{0});
  for (int32_t id : previous)
    used += !std::exchange(seen[id], uint8_t{1});
  uint32_t most = std::min(bank.experts, std::max(limit, used));
  uint32_t count = predictor.predict(bank.index, previous,
                                     std::span(candidates).first(most));
  for (uint32_t i = 0; i < count && limit > 0; ++i) {
    uint32_t expert = candidates[i];
    if (bank.residency().slotOf(bank.id(expert)) != kNone ||
        bank.reading[expert] != Reading::No || queue.size() == queue.capacity())
      continue;
    queue.push_back({bank.index, expert});
    --limit;
  }
}

void Prefetcher::drop(Bank &bank) {
  if (reads > 0)
    std::replace(bank.reading.begin(), bank.reading.end(), Reading::Prefetch,
                 Reading::Dropped);
  auto first = queue.begin() + next;
  auto kept = std::remove_if(
      first, queue.end(), [&](const Guess &g) { return g.bank == bank.index; });
  bank.residency().droppedPrefetches(queue.end() - kept);
  queue.erase(kept, queue.end());
}

bool Prefetcher::adoptRead(Bank &bank, uint32_t expert) {
  if (bank.reading[expert] == Reading::No)
    return false;
  bank.reading[expert] = Reading::Demand;
  --reads;
  return true;
}

void Prefetcher::claim(const Pool &pool, uint32_t slot) {
  for (Copy &copy : copies)
    if (copy.pool == &pool && copy.slot == slot)
      copy.claimed = true;
}

Status Prefetcher::poll() {
  size_t kept = 0;
  for (size_t i = 0; i < copies.size(); ++i) {
    Copy copy = copies[i];
    SLUICE_ASSIGN_OR_RETURN(bool done,
                            backend.query(copy.pool->event(copy.slot)));
    if (!done) {
      copies[kept++] = copy;
    } else if (!copy.claimed) {
      copy.pool->residency->arrived(copy.slot);
      copy.pool->residency->release(copy.slot);
    }
  }
  copies.resize(kept);
  return Status::ok();
}

Status Prefetcher::begin() {
  while (next < queue.size() && copies.size() + reads < kInFlight) {
    SLUICE_ASSIGN_OR_RETURN(bool begun, beginOne(queue[next]));
    if (!begun)
      return Status::ok();
    ++next;
  }
  return Status::ok();
}

/// False when there is no room for it now.
Result<bool> Prefetcher::beginOne(const Guess &guess) {
  Bank &bank = store.banks[guess.bank];
  // A demand may have brought it meanwhile.
  if (bank.residency().slotOf(bank.id(guess.expert)) != kNone ||
      bank.reading[guess.expert] != Reading::No)
    return true;
  const std::byte *image = home->image(guess.bank, guess.expert);
  if (!image) {
    SLUICE_ASSIGN_OR_RETURN(bool begun,
                            home->startRead(guess.bank, guess.expert));
    if (begun) {
      bank.reading[guess.expert] = Reading::Prefetch;
      ++reads;
    }
    return begun;
  }
  uint32_t slot =
      bank.residency().take(bank.id(guess.expert), Purpose::Prefetch);
  if (slot == kNone)
    return false;
  SLUICE_RETURN_IF_ERROR(copyIn(bank, guess.expert, slot, image, false));
  return true;
}

Status Prefetcher::copyIn(Bank &bank, uint32_t expert, uint32_t slot,
                          const std::byte *image, bool fromRing) {
  SLUICE_RETURN_IF_ERROR(transfers.waitForDemand(StreamKind::Prefetch));
  SLUICE_RETURN_IF_ERROR(transfers.copyIn(StreamKind::Prefetch, bank, expert,
                                          slot, image, fromRing));
  copies.push_back({bank.pool, slot, false});
  return Status::ok();
}

Status Prefetcher::arrived(const ExpertHome::Arrival &arrival, bool mayCopy) {
  Bank &bank = store.banks[arrival.bank];
  bool wanted = bank.reading[arrival.expert] == Reading::Prefetch;
  bank.reading[arrival.expert] = Reading::No;
  --reads;
  uint32_t slot =
      wanted && mayCopy
          ? bank.residency().take(bank.id(arrival.expert), Purpose::Prefetch)
          : kNone;
  if (slot != kNone)
    return copyIn(bank, arrival.expert, slot, arrival.image, true);
  bank.residency().droppedPrefetches(1);
  home->doneWith(arrival.image);
  return Status::ok();
}

Result<bool> Prefetcher::waitForOldest() {
  if (copies.empty())
    return false;
  SLUICE_RETURN_IF_ERROR(
      backend.waitOnHost(copies[0].pool->event(copies[0].slot)));
  SLUICE_RETURN_IF_ERROR(poll());
  return true;
}

} // namespace sluice::experts
