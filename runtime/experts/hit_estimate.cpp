//===- hit_estimate.cpp - What a recording says of hit rates --------------===//

#include "runtime/experts/hit_estimate.h"

#include "runtime/experts/replay.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::experts {
namespace {

/// Steps with a full pool that are not counted yet: the policies' shorter
/// memory.
constexpr uint64_t kSettling = 8;
/// So many layers speak for all, at least.
constexpr double kFewestLayers = 8;

/// Distinct experts of a layer that a step demands, at most: uniform routing.
double demandsOfLayer(const RoutingTrace &trace, uint32_t rowsPerStep) {
  const double experts = trace.experts;
  return experts * (1 - std::pow(1 - static_cast<double>(trace.topK) / experts,
                                 static_cast<double>(rowsPerStep)));
}

/// `count` of `layers` layers in increasing order, evenly spread but without a
/// period: those of the smallest fractional parts of multiples of the golden
/// ratio. Layers that resemble each other at regular distances do not stand for
/// all then.
std::vector<uint32_t> spreadLayers(uint32_t layers, uint32_t count) {
  constexpr double kGolden = 0.6180339887498949;
  std::vector<std::pair<double, uint32_t>> order;
  for (uint32_t layer = 0; layer < layers; ++layer) {
    const double multiple = kGolden * layer;
    order.emplace_back(multiple - std::floor(multiple), layer);
  }
  std::ranges::sort(order);
  std::vector<uint32_t> chosen;
  for (const auto &[part, layer] : std::span(order).first(count))
    chosen.push_back(layer);
  std::ranges::sort(chosen);
  return chosen;
}

/// `count` of the trace's layers, and all of its tokens.
RoutingTrace samplePart(const RoutingTrace &trace, uint32_t count) {
  const std::vector<uint32_t> layers = spreadLayers(trace.banks, count);
  RoutingTrace part;
  part.banks = count;
  part.experts = trace.experts;
  part.topK = trace.topK;
  part.rows = trace.rows;
  part.ids.reserve(trace.rows * count * trace.topK);
  for (uint64_t row = 0; row < trace.rows; ++row)
    for (uint32_t layer : layers) {
      const std::span<const int32_t> ids = trace.at(row, layer);
      part.ids.insert(part.ids.end(), ids.begin(), ids.end());
    }
  return part;
}

/// Steps until `slots` experts have been demanded; all where they never are.
uint64_t stepsToFill(const UseTrace &uses, uint32_t slots) {
  std::vector<uint8_t> seen(size_t{uses.banks} * uses.experts, 0);
  uint32_t count = 0;
  for (size_t group = 0; group < uses.ends.size(); ++group)
    for (uint32_t id : uses.group(group)) {
      count += seen[id] == 0;
      seen[id] = 1;
      if (count == slots)
        return group / uses.banks + 1;
    }
  return uses.ends.size() / uses.banks;
}

/// Slots for `banks` of `layers` layers, so that each of them has as many as
/// it has among all: while one runs, the `held` experts that it needs in slots
/// may be more than its share, and the others have the rest.
uint32_t slotsOfPart(uint32_t slots, double held, double banks, double layers) {
  if (banks == layers)
    return slots;
  const double current =
      std::min<double>(slots, std::max(held, slots / layers));
  const double others = (slots - current) * (banks - 1) / (layers - 1);
  return static_cast<uint32_t>(std::max(1.0, std::round(current + others)));
}

} // namespace

Result<HitEstimate> estimateHits(const RoutingTrace &trace, uint32_t slots,
                                 uint32_t rowsPerStep, std::string_view policy,
                                 double hostShare, uint64_t mostVisits) {
  if (slots == 0 || rowsPerStep == 0 || trace.rows == 0)
    return Status(ErrorCode::InvalidArgument,
                  "hit rate: found " + std::to_string(slots) + " slots, " +
                      std::to_string(rowsPerStep) + " rows a step and " +
                      std::to_string(trace.rows) +
                      " tokens, expected at least 1 of each");
  HitEstimate estimate;
  uint64_t steps = trace.rows / rowsPerStep;
  if (steps < 2)
    return estimate;

  // A miss looks at every slot: with m of the layers and as small a part of the
  // slots the visits of a step fall with m * m.
  const double layers = trace.banks;
  const double most = static_cast<double>(mostVisits);
  const double demands = demandsOfLayer(trace, rowsPerStep);
  const double visits = demands * slots / layers; // over m * m
  const auto banks = static_cast<uint32_t>(
      std::clamp(std::sqrt(most / (visits * static_cast<double>(steps))),
                 std::min(kFewestLayers, layers), layers));
  steps = static_cast<uint64_t>(std::clamp(most / (visits * banks * banks), 2.0,
                                           static_cast<double>(steps)));
  const auto part =
      slotsOfPart(slots, demands * (1 - hostShare), banks, layers);
  const UseTrace uses = groupUses(samplePart(trace, banks), rowsPerStep, steps);
  const uint64_t warm =
      std::min(stepsToFill(uses, part) + kSettling, steps / 2);
  const std::vector<uint32_t> bankExperts(banks, trace.experts);
  SLUICE_ASSIGN_OR_RETURN(
      auto made,
      makePolicy(policy, {.bankExperts = bankExperts, .popularity = {}}));
  ReplayResult result = replay(uses, part, std::move(made), 0, warm, hostShare);
  estimate.demands = result.demands;
  estimate.hits = result.hits;
  estimate.layersByMisses = std::move(result.layersByMisses);
  estimate.missesByRows = std::move(result.missesByRows);
  estimate.tokens = (steps - warm) * rowsPerStep;
  estimate.demandsPerSlot =
      static_cast<double>(result.demands) * (layers / banks) / slots;
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
