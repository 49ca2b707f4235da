//===- belady.h - The best that any eviction could do -----------*- C++ -*-===//
#pragma once

#include "runtime/experts/routing_trace.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::experts {

/// Uses of experts in groups: one group is what one layer of one step demands
/// at once.
struct UseTrace {
  uint32_t banks = 0;
  uint32_t experts = 0;       ///< Of each bank: id = bank * experts + expert.
  std::vector<uint32_t> ids;  ///< Distinct inside a group.
  std::vector<uint32_t> rows; ///< Rows that use each of `ids`.
  std::vector<uint64_t> ends; ///< Group g is ids[ends[g-1] .. ends[g]).
  std::vector<uint32_t> bank; ///< Of each group. A step begins at bank 0.

  std::span<const uint32_t> group(size_t index) const {
    const uint64_t begin = index == 0 ? 0 : ends[index - 1];
    return std::span(ids).subspan(begin, ends[index] - begin);
  }
};

/// The uses when `trace` is played `rowsPerStep` rows at a time: rows /
/// rowsPerStep steps (at least one, at most `mostSteps`), row r of step s is
/// token tokenOf(s, r). Ids of a group are in increasing order. rowsPerStep and
/// mostSteps >= 1, trace not empty.
UseTrace groupUses(const RoutingTrace &trace, uint32_t rowsPerStep,
                   uint64_t mostSteps = ~uint64_t{0});

/// Hits of the offline optimum for a pool of `slots` that starts empty and
/// brings an expert only when it is demanded: the experts of a group share the
/// pool while it runs (as far as they fit), and who is used farthest in the
/// future leaves first (L. A. Belady, IBM Systems Journal 5(2), 1966). Keeping
/// an expert from one use to its next is an interval; at most slots - |group|
/// intervals may span a group and at most `slots` leave it, and to drop the
/// interval that ends last is optimal for such bounds. slots >= 1.
uint64_t beladyHits(const UseTrace &uses, uint32_t slots);

} // namespace sluice::experts
