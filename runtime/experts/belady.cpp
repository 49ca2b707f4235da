//===- belady.cpp - The best that any eviction could do -------------------===//

#include "runtime/experts/belady.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace sluice::experts {

UseTrace groupUses(const RoutingTrace &trace, uint32_t rowsPerStep,
                   uint64_t mostSteps) {
  UseTrace uses;
  uses.banks = trace.banks;
  uses.experts = trace.experts;
  const uint64_t steps =
      std::min(std::max<uint64_t>(1, trace.rows / rowsPerStep), mostSteps);
  std::vector<uint32_t> count(trace.experts, 0);
  for (uint64_t step = 0; step < steps; ++step)
    for (uint32_t bank = 0; bank < trace.banks; ++bank) {
      for (uint32_t row = 0; row < rowsPerStep; ++row)
        for (int32_t expert :
             trace.at(tokenOf(step, row, rowsPerStep, trace.rows), bank))
          ++count[static_cast<size_t>(expert)];
      for (uint32_t expert = 0; expert < trace.experts; ++expert) {
        if (count[expert] == 0)
          continue;
        uses.ids.push_back(bank * trace.experts + expert);
        uses.rows.push_back(count[expert]);
        count[expert] = 0;
      }
      uses.ends.push_back(uses.ids.size());
      uses.bank.push_back(bank);
    }
  return uses;
}

uint64_t beladyHits(const UseTrace &uses, uint32_t slots) {
  constexpr uint64_t kNever = ~uint64_t{0};
  const size_t groups = uses.ends.size();
  // For each use the group of the next one of the same expert.
  std::vector<uint64_t> next(uses.ids.size());
  std::vector<uint64_t> nextOf(size_t{uses.banks} * uses.experts, kNever);
  for (size_t group = groups; group-- > 0;)
    for (uint64_t use = group == 0 ? 0 : uses.ends[group - 1];
         use < uses.ends[group]; ++use) {
      next[use] = nextOf[uses.ids[use]];
      nextOf[uses.ids[use]] = group;
    }

  // keptUntil[id]: the group of its next use while it is in the pool. The heap
  // holds (next use, id), stale ones too: those no longer in keptUntil.
  constexpr uint64_t kAbsent = kNever - 1;
  std::vector<uint64_t> keptUntil(nextOf.size(), kAbsent);
  std::priority_queue<std::pair<uint64_t, uint32_t>> heap;
  uint64_t kept = 0, hits = 0;
  auto dropTo = [&](uint64_t most) {
    while (kept > most) {
      const auto [until, id] = heap.top();
      heap.pop();
      if (keptUntil[id] != until)
        continue;
      keptUntil[id] = kAbsent;
      --kept;
    }
  };
  for (size_t group = 0; group < groups; ++group) {
    const uint64_t begin = group == 0 ? 0 : uses.ends[group - 1];
    const uint64_t size = uses.ends[group] - begin;
    for (uint64_t use = begin; use < uses.ends[group]; ++use)
      if (uint64_t &until = keptUntil[uses.ids[use]]; until != kAbsent) {
        ++hits;
        until = kAbsent; // its interval ends here; a new one begins below
        --kept;
      }
    // Beside the group itself only so many can stay while it runs.
    dropTo(size >= slots ? 0 : slots - size);
    for (uint64_t use = begin; use < uses.ends[group]; ++use) {
      if (next[use] == kNever)
        continue; // nothing is won by keeping it
      keptUntil[uses.ids[use]] = next[use];
      heap.emplace(next[use], uses.ids[use]);
      ++kept;
    }
    dropTo(slots);
  }
  return hits;
}

} // namespace sluice::experts
