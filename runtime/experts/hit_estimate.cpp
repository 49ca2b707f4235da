//===- hit_estimate.cpp - What a recording says of hit rates --------------===//

#include "runtime/experts/hit_estimate.h"

#include "runtime/experts/replay.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace sluice::experts {
namespace {

/// A recording is cut where it has so many steps and, by uniform routing, so
/// many demands a slot: more tokens move a rate by less than a point.
constexpr uint64_t kManySteps = 64;
constexpr double kManyDemandsPerSlot = 128;

/// Distinct experts of a layer that a step demands, at most: uniform routing.
double demandsOfLayer(const RoutingTrace &trace, uint32_t rowsPerStep) {
  const double experts = trace.experts;
  return experts * (1 - std::pow(1 - static_cast<double>(trace.topK) / experts,
                                 static_cast<double>(rowsPerStep)));
}

/// `banks` of the trace's layers, evenly spread, and its first `rows` tokens.
RoutingTrace samplePart(const RoutingTrace &trace, uint32_t banks,
                        uint64_t rows) {
  RoutingTrace part;
  part.banks = banks;
  part.experts = trace.experts;
  part.topK = trace.topK;
  part.rows = rows;
  part.ids.reserve(rows * banks * trace.topK);
  for (uint64_t row = 0; row < rows; ++row)
    for (uint64_t bank = 0; bank < banks; ++bank) {
      const std::span<const int32_t> ids =
          trace.at(row, static_cast<uint32_t>(bank * trace.banks / banks));
      part.ids.insert(part.ids.end(), ids.begin(), ids.end());
    }
  return part;
}

} // namespace

Result<HitEstimate> estimateHits(const RoutingTrace &trace, uint32_t slots,
                                 uint32_t rowsPerStep, std::string_view policy,
                                 uint64_t mostVisits) {
  if (slots == 0 || rowsPerStep == 0 || trace.rows == 0)
    return Status(ErrorCode::InvalidArgument,
                  "hit rate: found " + std::to_string(slots) + " slots, " +
                      std::to_string(rowsPerStep) + " rows a step and " +
                      std::to_string(trace.rows) +
                      " tokens, expected at least 1 of each");
  HitEstimate estimate;
  const double layers = trace.banks;
  const double demands = demandsOfLayer(trace, rowsPerStep);
  const auto enough = static_cast<uint64_t>(
      std::ceil(kManyDemandsPerSlot * slots / (layers * demands)));
  const uint64_t steps =
      std::min(trace.rows / rowsPerStep, std::max(kManySteps, enough));
  if (steps < 2)
    return estimate;

  // A miss looks at every slot: with m of the layers and as small a part of the
  // slots the visits fall with m * m.
  const double visits = static_cast<double>(steps) * demands * slots / layers;
  const auto banks = static_cast<uint32_t>(
      std::clamp(std::sqrt(static_cast<double>(mostVisits) / visits),
                 std::min(4.0, layers), layers));
  const double share = banks / layers;
  const auto part =
      static_cast<uint32_t>(std::max(1.0, std::round(slots * share)));
  const uint64_t warm = steps / 2;
  SLUICE_ASSIGN_OR_RETURN(ReplayResult result,
                          replay(samplePart(trace, banks, steps * rowsPerStep),
                                 part, rowsPerStep, policy, 0, warm));
  estimate.demands = result.demands;
  estimate.hits = result.hits;
  estimate.tokens = (steps - warm) * rowsPerStep;
  estimate.demandsPerSlot =
      static_cast<double>(result.demands) / static_cast<double>(part);
  return estimate;
}

uint64_t distinctTokens(const RoutingTrace &trace) {
  std::vector<uint64_t> hashes(trace.rows);
  const uint64_t width = uint64_t{trace.banks} * trace.topK;
  for (uint64_t row = 0; row < trace.rows; ++row) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a over the ids
    for (int32_t id : std::span(trace.ids).subspan(row * width, width))
      hash = (hash ^ static_cast<uint32_t>(id)) * 0x100000001b3;
    hashes[row] = hash;
  }
  std::sort(hashes.begin(), hashes.end());
  return static_cast<uint64_t>(std::unique(hashes.begin(), hashes.end()) -
                               hashes.begin());
}

} // namespace sluice::experts
