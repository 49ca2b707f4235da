//===- graphs.h - Stretches of steps that are captured ----------*- C++ -*-===//
//
// Between GraphBegin and GraphEnd nothing depends on anything but the step's
// row counts, so a backend that can record its work runs such a stretch by one
// call. An entry point's stretches run plainly the first time it meets a pair
// of row counts (libraries choose on first use), are captured the second time,
// and launched from then on.
//
// Graphs live as long as the backend: to let go of a pair would leave its
// graphs behind, more of them with every pair. So a pair keeps its graphs, and
// the places for them go to pairs that come back: one that was met once, like
// the length of a prompt, is only remembered, in a list that forgets the
// oldest. When all places are taken, further pairs run plainly.
//
// Where a capture fails, the stretch runs plainly: nothing of it has run. The
// entry point captures nothing more, says so once, and goes on launching the
// graphs that it has.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/steps.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// The graphs of one entry point. One thread at a time.
class Graphs {
public:
  /// The most pairs of row counts that are captured.
  static constexpr size_t kMaxCaptured = 64;
  /// The most pairs that are remembered.
  static constexpr size_t kMaxMet = 1024;

  Graphs() = default;
  /// For an entry point of this name with so many stretches. Nothing but a
  /// capture allocates later.
  Graphs(std::string entry, size_t stretches);

  /// Call before the stretches of a step.
  void beginStep(const StepSize &size);

  /// Runs `steps`, the stretch that `begin` begins, for the size given to
  /// beginStep. False: nothing was run, the caller is to do it.
  Result<bool> run(const GraphBeginStep &begin, std::span<const Step> steps,
                   Backend &backend, const StepSize &size);

private:
  struct Pair {
    uint32_t rows, logitRows;
    bool operator==(const Pair &) const = default;
  };

  void remember(const Pair &pair);
  void refuse(const Status &why);

  std::string entry;
  size_t stretches = 0;
  std::vector<Pair> captured;
  /// The graph of stretch s for captured[p], at p * stretches + s.
  std::vector<std::optional<uint32_t>> graphs;
  std::vector<Pair> met;
  size_t oldest = 0; ///< Of `met`, once it is full.
  /// Where the step's pair is in `captured`; nothing: its stretches run
  /// plainly.
  std::optional<size_t> place;
  bool refused = false; ///< A capture has failed.
};

} // namespace sluice
