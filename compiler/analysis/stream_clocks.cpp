//===- stream_clocks.cpp - What is finished when --------------------------===//

#include "compiler/analysis/stream_clocks.h"

#include "compiler/analysis/accesses.h"

#include <algorithm>

using namespace mlir;
using namespace sluice::planir;

namespace sluice {

void join(Clock &clock, const Clock &other) {
  for (size_t i = 0; i < clock.size(); ++i)
    clock[i] = std::max(clock[i], other[i]);
}

llvm::MapVector<Operation *, Lifetime> computeLifetimes(ModuleOp module) {
  llvm::MapVector<Operation *, Lifetime> lifetimes;
  for (auto entry : module.getOps<EntryOp>()) {
    std::array<Clock, plan::kStreamCount> known = {};
    llvm::DenseMap<Value, Clock> events;
    for (Operation &op : entry.getBody().front()) {
      // What the host has waited for is finished for all that it enqueues.
      if (auto demand = dyn_cast<DemandOp>(op))
        for (Clock &clock : known)
          join(clock, events.lookup(demand.getEvent()));
      std::optional<Stream> stream = streamOf(&op);
      if (!stream)
        continue;
      auto lane = static_cast<size_t>(*stream);
      if (auto record = dyn_cast<RecordOp>(op)) {
        events[record.getEvent()] = known[lane];
        continue;
      }
      if (auto wait = dyn_cast<WaitOp>(op)) {
        join(known[lane], events.lookup(wait.getEvent()));
        continue;
      }
      Clock before = known[lane];
      uint32_t position = ++known[lane][lane];
      forEachAccess(&op, [&](BufferOp buffer, bool, bool) {
        auto [found, added] = lifetimes.try_emplace(buffer);
        Lifetime &life = found->second;
        if (added) {
          life.entry = entry;
          life.first = lifetimes.size();
          life.start = before;
        }
        life.always = life.always || life.entry != entry;
        life.end[lane] = position;
      });
    }
  }
  for (auto buffer : module.getOps<BufferOp>()) {
    auto [found, added] = lifetimes.try_emplace(buffer);
    if (!added)
      continue;
    found->second.always = true;
    found->second.first = lifetimes.size();
  }
  for (Operation *buffer : persistentBuffers(module))
    lifetimes[buffer].always = true;
  return lifetimes;
}

bool liveTogether(const Lifetime &a, const Lifetime &b) {
  if (a.always || b.always)
    return true;
  if (a.entry != b.entry)
    return false;
  auto precedes = [](const Lifetime &first, const Lifetime &second) {
    for (size_t stream = 0; stream < first.end.size(); ++stream)
      if (first.end[stream] > second.start[stream])
        return false;
    return true;
  };
  return !precedes(a, b) && !precedes(b, a);
}

} // namespace sluice
