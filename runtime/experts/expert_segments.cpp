//===- expert_segments.cpp - Which bytes make an expert -------------------===//

#include "runtime/experts/expert_segments.h"

#include "runtime/core/checked.h"

#include <algorithm>

namespace sluice::experts {
namespace {

namespace fb = plan::fb;

Status broken(const plan::Plan &plan, uint32_t bank, const char *what) {
  return Status(ErrorCode::Internal,
                plan.name() + ": expert bank " + std::to_string(bank) + ": " +
                    what + ", which the verifier should have refused");
}

} // namespace

Result<ExpertSegments> ExpertSegments::make(const plan::Plan &planFile) {
  const fb::Plan &plan = planFile.get();
  ExpertSegments made;
  made.firstSegment.push_back(0);
  if (!plan.expert_banks())
    return made;
  for (uint32_t b = 0; b < plan.expert_banks()->size(); ++b) {
    const fb::ExpertBank &bank = *plan.expert_banks()->Get(b);
    const uint64_t slotBytes =
        plan.expert_pools()->Get(bank.pool())->slot_bytes();
    const auto &ranges = *plan.sources()->Get(bank.source())->ranges();
    const uint32_t first = made.experts();
    made.firstExpert.push_back(first);
    // Counted first, then put where they belong: ranges come in any order.
    std::vector<uint32_t> counts(bank.experts(), 0);
    for (const fb::Range *range : ranges) {
      const uint64_t expert = range->target_offset() / slotBytes;
      if (expert >= bank.experts() ||
          !insideOf(range->target_offset() % slotBytes, range->bytes(),
                    slotBytes))
        return broken(planFile, b, "a range outside the slot images");
      ++counts[expert];
    }
    std::vector<uint32_t> next;
    uint32_t end = made.firstSegment.back();
    for (uint32_t count : counts) {
      if (count == 0)
        return broken(planFile, b, "an expert without ranges");
      next.push_back(end);
      end += count;
      made.firstSegment.push_back(end);
    }
    made.segments.resize(end);
    for (const fb::Range *range : ranges)
      made.segments[next[range->target_offset() / slotBytes]++] = {
          range->file(), range->source_offset(), range->bytes(),
          range->target_offset() % slotBytes};
  }
  return made;
}

Status wantedFor(Status status, const fb::Plan &plan, uint32_t bank,
                 uint32_t expert) {
  if (status.isOk())
    return status;
  return Status(status.code(),
                std::string(status.message()) + "; wanted for expert " +
                    std::to_string(expert) + " of '" +
                    plan.sources()
                        ->Get(plan.expert_banks()->Get(bank)->source())
                        ->tensor()
                        ->str() +
                    "'");
}

} // namespace sluice::experts
