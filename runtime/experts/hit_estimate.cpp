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
/// So many further steps miss experts as all steps demand them: of wide steps a
/// recording has few, and one that was missed in none may be in the next.
constexpr double kMoreSteps = 2;

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

/// Some of the trace's layers, and all of its tokens.
RoutingTrace samplePart(const RoutingTrace &trace,
                        std::span<const uint32_t> layers) {
  RoutingTrace part;
  part.banks = static_cast<uint32_t>(layers.size());
  part.experts = trace.experts;
  part.topK = trace.topK;
  part.rows = trace.rows;
  part.ids.reserve(trace.rows * layers.size() * trace.topK);
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

Status checkSizes(const RoutingTrace &trace, uint32_t slots,
                  uint32_t rowsPerStep) {
  if (slots > 0 && rowsPerStep > 0 && trace.rows > 0)
    return Status::ok();
  return Status(ErrorCode::InvalidArgument,
                "hit rate: found " + std::to_string(slots) + " slots, " +
                    std::to_string(rowsPerStep) + " rows a step and " +
                    std::to_string(trace.rows) +
                    " tokens, expected at least 1 of each");
}

/// How a recording is played.
struct Play {
  const RoutingTrace &trace;
  uint32_t slots, rowsPerStep;
  std::string_view policy;
  double hostShare;
  double demands; ///< demandsOfLayer
  DiskTier disk = {};
};

/// What a part of a recording gave in the steps that count.
struct PlayedPart {
  ReplayResult result;
  uint64_t steps = 0;
  std::vector<double> demanded; ///< [id]: share of all steps.
};

/// Of those layers alone, [place in `layers` * experts + expert].
std::vector<uint8_t> onDiskOf(const Play &play,
                              std::span<const uint32_t> layers) {
  std::vector<uint8_t> onDisk;
  if (!play.disk.onDisk.empty())
    for (uint32_t layer : layers) {
      const auto part = play.disk.onDisk.subspan(
          size_t{layer} * play.trace.experts, play.trace.experts);
      onDisk.insert(onDisk.end(), part.begin(), part.end());
    }
  return onDisk;
}

/// The ids whose misses would cost most, `count` of them at most, as load
/// brings them: equal ones in turn over the layers.
std::vector<uint32_t> dearest(const Play &play,
                              const std::vector<double> &demanded,
                              const std::vector<float> &missCost,
                              uint32_t count) {
  const uint32_t experts = play.trace.experts;
  std::vector<uint32_t> ids;
  ids.reserve(demanded.size());
  for (uint32_t expert = 0; expert < experts; ++expert)
    for (size_t id = expert; id < demanded.size(); id += experts)
      ids.push_back(static_cast<uint32_t>(id));
  auto cost = [&](uint32_t id) {
    return (play.disk.knowsDemand ? demanded[id] : 1) * missCost[id];
  };
  std::ranges::stable_sort(
      ids, [&](uint32_t a, uint32_t b) { return cost(a) > cost(b); });
  ids.resize(std::min<size_t>(ids.size(), count));
  return ids;
}

/// Plays `steps` steps of some layers with their part of the slots.
Result<PlayedPart> playPart(const Play &play, std::span<const uint32_t> layers,
                            uint64_t steps) {
  const RoutingTrace &trace = play.trace;
  const auto part =
      slotsOfPart(play.slots, play.demands * (1 - play.hostShare),
                  static_cast<double>(layers.size()), trace.banks);
  const UseTrace uses =
      groupUses(samplePart(trace, layers), play.rowsPerStep, steps);
  std::vector<double> demanded(layers.size() * trace.experts, 0.0);
  for (uint32_t id : uses.ids)
    demanded[id] += 1 / static_cast<double>(steps);
  const std::vector<uint8_t> onDisk = onDiskOf(play, layers);
  std::vector<float> missCost;
  for (uint8_t is : onDisk)
    missCost.push_back(is != 0 ? play.disk.cost : 1);
  // Who comes rarely stays long: what load brought is no small matter then.
  const std::vector<uint32_t> resident =
      onDisk.empty() ? std::vector<uint32_t>()
                     : dearest(play, demanded, missCost, part);
  const uint64_t warm =
      std::min(stepsToFill(uses, part) + kSettling, steps / 2);
  const std::vector<uint32_t> bankExperts(layers.size(), trace.experts);
  SLUICE_ASSIGN_OR_RETURN(auto made,
                          makePolicy(play.policy, {.bankExperts = bankExperts,
                                                   .missCost = missCost}));
  return PlayedPart{replay(uses, part, std::move(made),
                           {.warmSteps = warm,
                            .hostShare = play.hostShare,
                            .onDisk = onDisk,
                            .resident = resident}),
                    steps - warm, std::move(demanded)};
}

} // namespace

Result<HitEstimate> estimateHits(const RoutingTrace &trace, uint32_t slots,
                                 uint32_t rowsPerStep, std::string_view policy,
                                 double hostShare, uint64_t mostVisits,
                                 const DiskTier &disk) {
  SLUICE_RETURN_IF_ERROR(checkSizes(trace, slots, rowsPerStep));
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
  SLUICE_ASSIGN_OR_RETURN(
      PlayedPart played,
      playPart({trace, slots, rowsPerStep, policy, hostShare, demands, disk},
               spreadLayers(trace.banks, banks), steps));
  estimate.demands = played.result.demands;
  estimate.hits = played.result.hits;
  estimate.layersByMisses = std::move(played.result.layersByMisses);
  estimate.missesByRows = std::move(played.result.missesByRows);
  estimate.missesOnDisk = played.result.missesOnDisk;
  estimate.tokens = played.steps * rowsPerStep;
  estimate.demandsPerSlot =
      static_cast<double>(estimate.demands) * (layers / banks) / slots;
  return estimate;
}

Result<std::vector<double>>
estimateMisses(const RoutingTrace &trace, uint32_t slots, uint32_t rowsPerStep,
               std::string_view policy, double hostShare, uint64_t mostVisits) {
  SLUICE_RETURN_IF_ERROR(checkSizes(trace, slots, rowsPerStep));
  std::vector<double> misses;
  uint64_t steps = trace.rows / rowsPerStep;
  if (steps < 2)
    return misses;

  // As above, but all layers are played, m at once: the visits of a step fall
  // with m.
  const double layers = trace.banks;
  const double most = static_cast<double>(mostVisits);
  const double demands = demandsOfLayer(trace, rowsPerStep);
  const double visits = demands * slots; // over m
  const double atOnce = std::clamp(most / (visits * static_cast<double>(steps)),
                                   std::min(kFewestLayers, layers), layers);
  steps = static_cast<uint64_t>(
      std::clamp(most / (visits * atOnce), 2.0, static_cast<double>(steps)));
  const auto parts = static_cast<uint32_t>(std::ceil(layers / atOnce));
  misses.resize(size_t{trace.banks} * trace.experts);
  for (uint32_t part = 0; part < parts; ++part) {
    std::vector<uint32_t> chosen;
    for (uint32_t layer = part; layer < trace.banks; layer += parts)
      chosen.push_back(layer);
    SLUICE_ASSIGN_OR_RETURN(
        const PlayedPart played,
        playPart({trace, slots, rowsPerStep, policy, hostShare, demands},
                 chosen, steps));
    const double missRate = 1 - played.result.hitRate();
    for (size_t i = 0; i < chosen.size(); ++i)
      for (uint32_t expert = 0; expert < trace.experts; ++expert) {
        const size_t id = i * trace.experts + expert;
        misses[size_t{chosen[i]} * trace.experts + expert] =
            (static_cast<double>(played.result.missesOf[id]) +
             kMoreSteps * missRate * played.demanded[id]) /
            (static_cast<double>(played.steps) + kMoreSteps);
      }
  }
  return misses;
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
