//===- stand_ins.cpp - Host memory that launches read in place ------------===//

#include "runtime/executor/stand_ins.h"

namespace sluice {

StandIns::StandIns(const plan::fb::Entry &entry, const BoundMemory &memory,
                   const Backend &backend) {
  for (const plan::fb::Instruction *instruction : *entry.instructions())
    if (const plan::fb::ExpertJoin *join =
            instruction->operation_as_ExpertJoin();
        join && backend.kernelsReach(memory.buffer(join->source()).data()))
      sources.emplace_back(join->staged(), join->source());
}

uint32_t StandIns::of(uint32_t buffer) const {
  for (const auto &[staged, source] : sources)
    if (staged == buffer)
      return source;
  return buffer;
}

} // namespace sluice
