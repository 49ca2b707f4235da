//===- stand_ins.cpp - Host memory that launches read in place ------------===//

#include "runtime/executor/stand_ins.h"

namespace sluice {

StandIns::StandIns(const plan::fb::Entry &entry, const BoundMemory &memory,
                   const Backend &backend) {
  for (const plan::fb::Instruction *instruction : *entry.instructions())
    if (const plan::fb::ExpertJoin *join =
            instruction->operation_as_ExpertJoin();
        join && backend.kernelsReach(memory.buffer(join->source()).data()))
      sources.emplace(join->staged(), join->source());
}

uint32_t StandIns::of(uint32_t buffer) const {
  const auto found = sources.find(buffer);
  return found == sources.end() ? buffer : found->second;
}

} // namespace sluice
