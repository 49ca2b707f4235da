//===- load_bytes.cpp - What a load moves ---------------------------------===//

#include "runtime/experts/load_bytes.h"

#include "runtime/backend/cpu/thread_pool.h"

#include <algorithm>

namespace sluice::experts {
namespace {

namespace fb = plan::fb;

/// More do not read faster, and each has memory of its own.
constexpr unsigned kMostThreads = 16;

} // namespace

uint64_t fetchedBytes(const fb::Plan &plan) {
  uint64_t total = 0;
  for (const fb::Instruction *instruction : *plan.load()->instructions())
    if (const fb::Fetch *fetch = instruction->operation_as_Fetch())
      for (const fb::Range *range :
           *plan.sources()->Get(fetch->source())->ranges())
        total += range->bytes();
  return total;
}

uint64_t hostPoolBytes(const fb::Plan &plan) {
  uint64_t total = 0;
  if (!plan.expert_banks() || !plan.expert_pools())
    return total;
  for (const fb::ExpertBank *bank : *plan.expert_banks()) {
    uint64_t slotBytes = plan.expert_pools()->Get(bank->pool())->slot_bytes();
    for (const fb::Range *range :
         *plan.sources()->Get(bank->source())->ranges())
      if (bank->homes()->Get(uint32_t(range->target_offset() / slotBytes)) ==
          uint8_t(fb::Home::Host))
        total += range->bytes();
  }
  return total;
}

StorageType storageType(fb::DType type) {
  switch (type) {
  case fb::DType::F16:
    return StorageType::F16;
  case fb::DType::BF16:
    return StorageType::BF16;
  default:
    return StorageType::F32;
  }
}

unsigned loadThreads(unsigned asked) {
  return asked ? asked : std::min(cpu::usableCores(), kMostThreads);
}

} // namespace sluice::experts
