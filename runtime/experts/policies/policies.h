//===- policies.h - One function a policy, and what they share --*- C++ -*-===//
#pragma once

#include "runtime/experts/policy.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>

namespace sluice::experts {

std::unique_ptr<Policy> makeLru(const PolicyShape &shape);
std::unique_ptr<Policy> makeLfu(const PolicyShape &shape);
std::unique_ptr<Policy> makeLfru(const PolicyShape &shape);
std::unique_ptr<Policy> makeNextUse(const PolicyShape &shape);

/// Experts of all banks.
inline size_t expertCount(const PolicyShape &shape) {
  return std::accumulate(shape.bankExperts.begin(), shape.bankExperts.end(),
                         size_t{0});
}

/// The evictable slot whose owner `worthLess(a, b)` puts before all others; the
/// smallest of equals. kNone when none is evictable.
template <typename WorthLess>
uint32_t leastWorth(std::span<const uint32_t> ownerOfSlot,
                    std::span<const uint8_t> evictable, WorthLess worthLess) {
  uint32_t best = kNone;
  for (uint32_t slot = 0; slot < ownerOfSlot.size(); ++slot)
    if (evictable[slot] != 0 &&
        (best == kNone || worthLess(ownerOfSlot[slot], ownerOfSlot[best])))
      best = slot;
  return best;
}

} // namespace sluice::experts
