//===- engine.cpp - What the expert instructions share --------------------===//

#include "runtime/executor/experts/engine.h"

#include <thread>

namespace sluice::experts {

uint32_t Engine::events(const plan::fb::Plan &plan) {
  uint32_t slots = Store::slots(plan);
  return slots == 0 ? 0 : slots + Transfers::kEvents + kOwnEvents;
}

Engine::Engine(Backend &backend, Store from, const plan::fb::Plan &plan,
               uint32_t firstEvent)
    : backend(backend), store(std::move(from)),
      transfers(backend, firstEvent + Store::slots(plan)),
      tablesEvent(firstEvent + Store::slots(plan) + Transfers::kEvents),
      innerEvent(tablesEvent + 1), prefetcher(backend, store, transfers, plan),
      wanted(store), balance(store.banks.size()) {
  waveEnds.reserve(store.maxExperts + 1);
  // Two launches a wave of an expert, or one of the tail and its rows before
  // it.
  waveArgs.resize(2 * (store.maxExperts + 1));
  // Each expert comes whole, or the end of it behind the CPU.
  bus.reserve(store.maxExperts);
}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(const plan::fb::Plan &plan,
                                               Backend &backend,
                                               const BoundMemory &memory,
                                               uint32_t firstEvent,
                                               const std::string &policy) {
  SLUICE_ASSIGN_OR_RETURN(Store store,
                          Store::bind(plan, memory, firstEvent, policy));
  return std::unique_ptr<Engine>(
      new Engine(backend, std::move(store), plan, firstEvent));
}

void Engine::beginStep(uint64_t number) {
  step = number;
  for (Pool &pool : store.pools)
    pool.residency->beginStep();
}

/// The last bank's copies are not seen by a next demand.
Status Engine::beforeEnd() {
  while (learnsBus) {
    SLUICE_RETURN_IF_ERROR(lookAtBus());
    learnFromBus();
    if (bus.waiting() == 0)
      break;
    if (!backend.isVirtual())
      std::this_thread::yield();
  }
  return Status::ok();
}

Status Engine::endStep() {
  transfers.wavesAreDone();
  transfers.demandIsDone();
  learnsBus = false;
  SLUICE_RETURN_IF_ERROR(observeHost());
  releaseHeld();
  return pump();
}

void Engine::abort() {
  (void)backend.waitHostWork();
  (void)backend.synchronize();
}

Status Engine::pump() {
  SLUICE_RETURN_IF_ERROR(transfers.returnPlaces());
  SLUICE_RETURN_IF_ERROR(prefetcher.poll());
  SLUICE_RETURN_IF_ERROR(takeArrivals());
  return wanted.isFetching ? Status::ok() : prefetcher.begin();
}

Status Engine::takeArrivals() {
  while (home->readsInFlight() > 0) {
    SLUICE_ASSIGN_OR_RETURN(auto arrival, home->poll());
    if (!arrival)
      return Status::ok();
    SLUICE_RETURN_IF_ERROR(take(*arrival));
  }
  return Status::ok();
}

Status Engine::take(const ExpertHome::Arrival &arrival) {
  Bank &bank = store.banks[arrival.bank];
  Reading &reading = bank.reading[arrival.expert];
  if (reading != Reading::Demand)
    return prefetcher.arrived(arrival, !wanted.isFetching);
  reading = Reading::No;
  --wanted.reads;
  wanted.read.push_back({wanted.indexOf(arrival.expert), arrival.image});
  return Status::ok();
}

} // namespace sluice::experts
