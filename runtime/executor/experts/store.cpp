//===- store.cpp - Pools of slots and banks of experts --------------------===//

#include "runtime/executor/experts/store.h"

#include "runtime/plan/version.h"

#include <algorithm>

namespace sluice::experts {

namespace fb = plan::fb;

namespace {

static_assert(kPolicyNames.size() == plan::kPolicyCount);

/// Experts of the banks of one pool, and what is known of them.
struct PoolShape {
  std::vector<uint32_t> bankExperts;
  std::vector<float> popularity, missCost;

  PoolShape(const fb::Plan &plan, uint32_t pool) {
    bool known = true;
    const float diskCost = plan.expert_pools()->Get(pool)->disk_cost();
    for (const fb::ExpertBank *bank : *plan.expert_banks()) {
      if (bank->pool() != pool)
        continue;
      bankExperts.push_back(bank->experts());
      for (uint8_t home : *bank->homes())
        missCost.push_back(home == uint8_t(fb::Home::Disk) ? diskCost : 1.0f);
      known &= bank->popularity() != nullptr &&
               bank->popularity()->size() == bank->experts();
      if (known)
        popularity.insert(popularity.end(), bank->popularity()->begin(),
                          bank->popularity()->end());
    }
    if (!known)
      popularity.clear();
  }
};

Result<Pool> bindPool(const fb::Plan &plan, uint32_t index,
                      const BoundMemory &memory,
                      const std::string &policyName) {
  const fb::ExpertPool &from = *plan.expert_pools()->Get(index);
  Pool pool;
  pool.data = memory.buffer(from.buffer()).data();
  pool.slotBytes = from.slot_bytes();
  pool.waveBytes = from.wave_bytes();
  pool.type = static_cast<DType>(plan.buffers()->Get(from.buffer())->dtype());
  if (from.host_buffer() != plan::kNoBuffer) {
    std::span<std::byte> images = memory.buffer(from.host_buffer());
    pool.hostData = images.data();
    pool.hostImages = static_cast<int64_t>(images.size() / pool.slotBytes);
  }
  if (from.bounce_buffer() != plan::kNoBuffer)
    pool.places = static_cast<uint32_t>(
        memory.buffer(from.bounce_buffer()).size() / pool.slotBytes);
  PoolShape shape(plan, index);
  SLUICE_ASSIGN_OR_RETURN(
      auto policy, makePolicy(policyName, {shape.bankExperts, shape.popularity,
                                           shape.missCost}));
  pool.residency = std::make_unique<Residency>(
      from.slots(), shape.bankExperts, std::move(policy), pool.slotBytes);
  pool.readBy.resize(from.slots());
  return pool;
}

} // namespace

uint64_t Bank::front() const {
  if (downOffset < std::max(gateOffset, upOffset))
    return 0;
  return static_cast<uint64_t>(downOffset) * byteSize(pool->type);
}

double Bank::frontShare() const {
  return static_cast<double>(front()) / static_cast<double>(pool->slotBytes);
}

uint32_t Store::slots(const fb::Plan &plan) {
  uint32_t total = 0;
  if (plan.expert_pools())
    for (const fb::ExpertPool *pool : *plan.expert_pools())
      total += pool->slots();
  return total;
}

Result<Store> Store::bind(const fb::Plan &plan, const BoundMemory &memory,
                          uint32_t firstEvent, const std::string &policy) {
  Store store;
  if (!plan.expert_banks() || !plan.expert_pools())
    return store;
  const std::string name =
      policy.empty() ? kPolicyNames[plan.policy()] : policy;
  for (uint32_t i = 0; i < plan.expert_pools()->size(); ++i) {
    SLUICE_ASSIGN_OR_RETURN(Pool pool, bindPool(plan, i, memory, name));
    pool.firstEvent = firstEvent;
    firstEvent += pool.residency->slots();
    store.pools.push_back(std::move(pool));
  }
  uint32_t maxRows = 0;
  for (const fb::Entry *entry : *plan.entries())
    maxRows = std::max(maxRows, entry->max_rows());
  std::vector<uint32_t> ofPool(store.pools.size());
  for (const fb::ExpertBank *from : *plan.expert_banks()) {
    Bank bank;
    bank.index = static_cast<uint32_t>(store.banks.size());
    bank.local = ofPool[from->pool()]++;
    bank.layer = from->layer();
    bank.pool = &store.pools[from->pool()];
    bank.experts = from->experts();
    bank.topK = from->top_k();
    bank.hidden = from->hidden();
    bank.inner = from->inner();
    bank.gateOffset = static_cast<int64_t>(from->gate_offset());
    bank.upOffset = static_cast<int64_t>(from->up_offset());
    bank.downOffset = static_cast<int64_t>(from->down_offset());
    bank.latest.resize(uint64_t{maxRows} * bank.topK);
    bank.reading.resize(bank.experts);
    store.maxExperts = std::max(store.maxExperts, bank.experts);
    store.maxPairs = std::max(store.maxPairs, maxRows * bank.topK);
    store.banks.push_back(std::move(bank));
  }
  return store;
}

Counters Store::counters() const {
  Counters sum;
  for (const Pool &pool : pools)
    sum += pool.residency->counters();
  return sum;
}

} // namespace sluice::experts
