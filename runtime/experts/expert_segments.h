//===- expert_segments.h - Which bytes make an expert -----------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/disk/read_list.h"
#include "runtime/plan/plan.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::experts {

/// The ranges of every expert of a plan, by bank and expert.
class ExpertSegments {
public:
  /// Internal for ranges that are in no expert's slot image, or an expert
  /// without any: the plan's verifier refuses them.
  static Result<ExpertSegments> make(const plan::Plan &plan);

  uint32_t banks() const { return uint32_t(firstExpert.size()); }
  /// Experts of all banks.
  uint32_t experts() const { return uint32_t(firstSegment.size()) - 1; }
  /// The expert's number among all.
  uint32_t id(uint32_t bank, uint32_t expert) const {
    return firstExpert[bank] + expert;
  }
  std::span<const Segment> of(uint32_t id) const {
    return std::span(segments).subspan(firstSegment[id],
                                       firstSegment[id + 1] - firstSegment[id]);
  }
  std::span<Segment> of(uint32_t id) {
    return std::span(segments).subspan(firstSegment[id],
                                       firstSegment[id + 1] - firstSegment[id]);
  }

private:
  std::vector<uint32_t> firstExpert;  ///< Of each bank.
  std::vector<uint32_t> firstSegment; ///< Of each expert, and the end.
  std::vector<Segment> segments;
};

/// `status` of reading, and what the bytes were wanted for.
Status wantedFor(Status status, const plan::fb::Plan &plan, uint32_t bank,
                 uint32_t expert);

} // namespace sluice::experts
