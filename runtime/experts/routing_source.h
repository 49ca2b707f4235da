//===- routing_source.h - Routing that no router chose ----------*- C++ -*-===//
//
// A stand-in for the router's ids, so that schedules can be measured with
// weights of zeros, on simulated devices, and with any skew. The tokens that
// come out mean nothing then.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/routing_file.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::experts {

/// Gives the expert ids of a step's rows. Not thread-safe.
class RoutingSource {
public:
  virtual ~RoutingSource() = default;
  /// Writes ids[rows, topK] of `bank`: distinct in a row, each inside the bank.
  /// `step` counts steps from 0 and does not run backwards, except to 0, which
  /// starts over; the same step may be asked again and gives the same ids.
  /// `rows` <= the shape's maxRows. Allocates nothing.
  virtual void fill(uint64_t step, uint32_t bank, uint32_t rows, uint32_t topK,
                    int32_t *ids) = 0;
};

/// What a source is made for.
struct RoutingShape {
  uint32_t banks = 0;
  uint32_t experts = 0; ///< Of each bank.
  uint32_t topK = 0;    ///< 1..experts.
  uint32_t maxRows = 0; ///< Of a step.
  /// Sequences side by side: rows of a step that generates. 0: maxRows.
  uint32_t sequences = 0;
};

/// `repeat`: probability, for each expert of the row's token before (row r of
/// the step before), that it is kept. The others are drawn without
/// replacement with weights rank^-skew, the ranks a random permutation of the
/// bank's experts. With both 0 every choice is uniform.
struct SyntheticRouting {
  double repeat = 0; ///< 0..1
  double skew = 0;   ///< 0..16
  uint64_t seed = 0;
};
std::unique_ptr<RoutingSource>
makeSyntheticRouting(const RoutingShape &shape, const SyntheticRouting &how);

/// Plays a recorded trace again: row r of step s gets token tokenOf(s, r,
/// shape.sequences), so that sequences are as far apart as the trace allows; in
/// a step of more rows tokenOf(s, r, shape.maxRows). Fails when the trace's
/// shape is another.
Result<std::unique_ptr<RoutingSource>>
makeReplayRouting(const RoutingShape &shape, RoutingTrace trace);

/// Reads "replay:FILE" or "synthetic:repeat=R,skew=S,seed=N" (each key at most
/// once and optional; "synthetic:" alone is uniform). `expectation` is for
/// FILE. Errors name the part of `text` that was not understood.
Result<std::unique_ptr<RoutingSource>>
parseRoutingSource(std::string_view text, const RoutingShape &shape,
                   const RoutingExpectation &expectation);

} // namespace sluice::experts
