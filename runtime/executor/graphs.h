//===- graphs.h - Stretches of steps that are captured ----------*- C++ -*-===//
//
// Between GraphBegin and GraphEnd nothing depends on anything but the step's
// row counts, so a backend that can record its work runs such a stretch by one
// call. A stretch runs plainly the first time it meets a pair of row counts
// (libraries choose on first use), is captured the second time, and launched
// from then on.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/steps.h"

#include <optional>
#include <span>
#include <vector>

namespace sluice {

/// What is kept of one stretch.
class Graph {
public:
  /// The most pairs of row counts that are captured; others run plainly.
  static constexpr size_t kMaxSizes = 64;

  Graph() { sizes.reserve(kMaxSizes); }

  /// Runs `steps`, the stretch that `begin` begins. False: the caller is to run
  /// them itself.
  Result<bool> run(const GraphBeginStep &begin, std::span<const Step> steps,
                   Backend &backend, const StepSize &size);

private:
  struct Size {
    uint32_t rows, logitRows;
    std::optional<uint32_t> graph;
  };

  Size *find(const StepSize &size);

  std::vector<Size> sizes;
};

} // namespace sluice
