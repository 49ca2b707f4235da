//===- demand.cpp - What one layer of a step wants ------------------------===//

#include "runtime/executor/experts/demand.h"

#include <algorithm>

namespace sluice::experts {

Demand::Demand(const Store &store) {
  for (auto *list : {&missing, &unread, &onHost, &sequence})
    list->reserve(store.maxExperts);
  items.reserve(store.maxExperts);
  read.reserve(store.maxExperts);
  itemOf.resize(store.maxExperts);
  next.resize(store.maxExperts);
  pairs.resize(store.maxPairs);
}

Status Demand::open(Bank &of, std::span<const int32_t> ids, uint32_t first,
                    uint32_t end, bool all) {
  bank = &of;
  isFetching = true;
  firstRow = first;
  endRow = end;
  items.clear();
  for (auto *list : {&missing, &unread, &onHost, &sequence})
    list->clear();
  read.clear();
  nextMissing = nextUnread = nextRead = 0;
  reads = 0;
  mayHandOver = false;

  const uint32_t firstPair = first * of.topK, endPair = end * of.topK;
  std::fill_n(next.begin(), of.experts, 0);
  for (uint32_t pair = firstPair; pair < endPair; ++pair) {
    // Negative ids are large ones here.
    if (uint32_t(ids[pair]) >= of.experts)
      return Status(ErrorCode::Internal,
                    "layer " + std::to_string(of.layer) + ": row " +
                        std::to_string(pair / of.topK) +
                        " was routed to expert " + std::to_string(ids[pair]) +
                        ", expected 0 to " + std::to_string(of.experts - 1));
    ++next[ids[pair]];
  }
  uint32_t filled = 0;
  for (uint32_t expert = 0; expert < of.experts; ++expert) {
    uint32_t count = next[expert];
    next[expert] = filled;
    if (count == 0 && (!all || first == end))
      continue;
    itemOf[expert] = static_cast<uint32_t>(items.size());
    items.push_back({.expert = expert, .firstPair = filled, .pairs = count});
    filled += count;
  }
  for (uint32_t pair = firstPair; pair < endPair; ++pair)
    pairs[next[ids[pair]]++] = static_cast<int32_t>(pair);
  return Status::ok();
}

} // namespace sluice::experts
