//===- hit_estimate.cpp - What a recording says of hit rates --------------===//

#include "runtime/experts/hit_estimate.h"

#include "runtime/experts/replay.h"
#include "runtime/experts/routing_source.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
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

/// Layers of uniform tokens are played until so many experts were demanded, for
/// so many steps at least.
constexpr double kUniformDemands = 4000, kFewestUniformSteps = 6;
/// An expert that is not demanded with a smaller chance than that always is,
/// and no share is taken to be larger than that.
constexpr double kUnused = 1e-4, kMostUsed = 0.99;

/// Distinct experts of a layer that a step demands, at most: uniform routing.
double demandsOfLayer(double experts, double topK, uint32_t rowsPerStep) {
  return experts *
         (1 - std::pow(1 - topK / experts, static_cast<double>(rowsPerStep)));
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

/// How tokens are played.
struct Play {
  uint32_t banks, experts; ///< Of the model, of which some layers are played.
  uint32_t slots, rowsPerStep;
  std::string_view policy;
  double hostShare;
  double demands; ///< demandsOfLayer
  DiskTier disk = {};
};

/// A recording that is played so, in steps enough or not.
Result<Play> playOf(const RoutingTrace &trace, uint32_t slots,
                    uint32_t rowsPerStep, std::string_view policy,
                    double hostShare, const DiskTier &disk) {
  if (slots == 0 || rowsPerStep == 0 || trace.rows == 0)
    return Status(ErrorCode::InvalidArgument,
                  "hit rate: found " + std::to_string(slots) + " slots, " +
                      std::to_string(rowsPerStep) + " rows a step and " +
                      std::to_string(trace.rows) +
                      " tokens, expected at least 1 of each");
  return Play{trace.banks,
              trace.experts,
              slots,
              rowsPerStep,
              policy,
              hostShare,
              demandsOfLayer(trace.experts, trace.topK, rowsPerStep),
              disk};
}

/// What some layers gave in the steps that count.
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
      const auto part =
          play.disk.onDisk.subspan(size_t{layer} * play.experts, play.experts);
      onDisk.insert(onDisk.end(), part.begin(), part.end());
    }
  return onDisk;
}

/// Distinct experts of a layer that take slots while it runs: the CPU's do not.
double heldOf(const Play &play, const std::vector<double> &demanded,
              const std::vector<uint8_t> &onDisk) {
  double all = 0, disk = 0;
  for (size_t id = 0; id < onDisk.size(); ++id) {
    all += demanded[id];
    disk += onDisk[id] != 0 ? demanded[id] : 0;
  }
  const double share = all > 0 ? disk / all : 0;
  return play.demands * (share + (1 - share) * (1 - play.hostShare));
}

/// The ids whose misses would cost most, `count` of them at most, as load
/// brings them: by how many tokens use each (`uses`), equal ones in turn over
/// the layers.
std::vector<uint32_t> dearest(const Play &play, const std::vector<double> &uses,
                              const std::vector<float> &missCost,
                              uint32_t count) {
  std::vector<uint32_t> ids(uses.size());
  std::iota(ids.begin(), ids.end(), 0);
  auto order = [&](uint32_t id) {
    const double used = play.disk.knowsDemand ? uses[id] : 1;
    return std::tuple(-used * missCost[id], id % play.experts, id);
  };
  std::ranges::sort(ids, {}, order);
  ids.resize(std::min<size_t>(ids.size(), count));
  return ids;
}

/// Plays `steps` steps of `part`, which has the model's `layers` and no others,
/// with their part of the slots.
Result<PlayedPart> playPart(const Play &play, std::span<const uint32_t> layers,
                            const RoutingTrace &part, uint64_t steps) {
  const UseTrace uses = groupUses(part, play.rowsPerStep, steps);
  std::vector<double> demanded(layers.size() * play.experts, 0.0);
  std::vector<double> tokens = demanded; // that use each
  for (size_t i = 0; i < uses.ids.size(); ++i) {
    demanded[uses.ids[i]] += 1 / static_cast<double>(steps);
    tokens[uses.ids[i]] += uses.rows[i];
  }
  const std::vector<uint8_t> onDisk = onDiskOf(play, layers);
  const uint32_t slots =
      slotsOfPart(play.slots, heldOf(play, demanded, onDisk),
                  static_cast<double>(layers.size()), play.banks);
  std::vector<float> missCost;
  missCost.reserve(onDisk.size());
  for (uint8_t is : onDisk)
    missCost.push_back(is != 0 ? play.disk.cost : 1);
  // Who comes rarely stays long: what load brought is no small matter then.
  const std::vector<uint32_t> resident =
      onDisk.empty() ? std::vector<uint32_t>()
                     : dearest(play, tokens, missCost, slots);
  const uint64_t warm =
      std::min(stepsToFill(uses, slots) + kSettling, steps / 2);
  const std::vector<uint32_t> bankExperts(layers.size(), play.experts);
  SLUICE_ASSIGN_OR_RETURN(auto made,
                          makePolicy(play.policy, {.bankExperts = bankExperts,
                                                   .missCost = missCost}));
  return PlayedPart{replay(uses, slots, std::move(made),
                           {.warmSteps = warm,
                            .hostShare = play.hostShare,
                            .onDisk = onDisk,
                            .resident = resident}),
                    steps - warm, std::move(demanded)};
}

/// What it says; `layers`: of the model over those that were played.
HitEstimate estimateOf(PlayedPart played, const Play &play, double layers) {
  HitEstimate estimate;
  estimate.demands = played.result.demands;
  estimate.hits = played.result.hits;
  estimate.missesByRows = std::move(played.result.missesByRows);
  estimate.layersAlike = std::move(played.result.layersAlike);
  estimate.tokens = played.steps * play.rowsPerStep;
  estimate.demandsPerSlot =
      static_cast<double>(estimate.demands) * layers / play.slots;
  return estimate;
}

/// [r]: counts of experts that serve r rows, had there been `times` as many.
std::vector<uint64_t> moreRows(const std::vector<uint64_t> &byRows,
                               double times) {
  std::vector<uint64_t> more;
  for (size_t rows = 0; rows < byRows.size(); ++rows) {
    const auto at =
        static_cast<size_t>(std::llround(static_cast<double>(rows) * times));
    more.resize(at + 1);
    more[at] += byRows[rows];
  }
  return more;
}

/// Uniform tokens through `banks` layers.
RoutingTrace uniformTrace(uint32_t banks, uint32_t experts, uint32_t topK,
                          uint64_t rows) {
  RoutingTrace trace{banks, experts, topK, rows, {}};
  trace.ids.resize(rows * banks * topK);
  const auto source =
      makeSyntheticRouting({banks, experts, topK, 1}, {.seed = 1});
  int32_t *ids = trace.ids.data();
  for (uint64_t row = 0; row < rows; ++row)
    for (uint32_t bank = 0; bank < banks; ++bank, ids += topK)
      source->fill(row, bank, 1, topK, ids);
  return trace;
}

} // namespace

Result<HitEstimate> estimateHits(const RoutingTrace &trace, uint32_t slots,
                                 uint32_t rowsPerStep, std::string_view policy,
                                 double hostShare, uint64_t mostVisits,
                                 const DiskTier &disk) {
  SLUICE_ASSIGN_OR_RETURN(const Play play, playOf(trace, slots, rowsPerStep,
                                                  policy, hostShare, disk));
  uint64_t steps = trace.rows / rowsPerStep;
  if (steps < 2)
    return HitEstimate();

  // A miss looks at every slot: with m of the layers and as small a part of the
  // slots the visits of a step fall with m * m.
  const double layers = trace.banks;
  const double most = static_cast<double>(mostVisits);
  const double visits = play.demands * slots / layers; // over m * m
  const auto banks = static_cast<uint32_t>(
      std::clamp(std::sqrt(most / (visits * static_cast<double>(steps))),
                 std::min(kFewestLayers, layers), layers));
  steps = static_cast<uint64_t>(std::clamp(most / (visits * banks * banks), 2.0,
                                           static_cast<double>(steps)));
  const std::vector<uint32_t> chosen = spreadLayers(trace.banks, banks);
  SLUICE_ASSIGN_OR_RETURN(
      PlayedPart played,
      playPart(play, chosen, samplePart(trace, chosen), steps));
  return estimateOf(std::move(played), play, layers / banks);
}

Result<HitEstimate> estimateUniformHits(const UniformRouting &routing,
                                        uint32_t slots, uint32_t rowsPerStep,
                                        std::string_view policy,
                                        double hostShare,
                                        const DiskTier &disk) {
  const auto &[banks, experts, topK] = routing;
  if (banks == 0 || topK == 0 || topK > experts || slots == 0 ||
      rowsPerStep == 0)
    return Status(ErrorCode::InvalidArgument,
                  "uniform hit rate: found " + std::to_string(topK) + " of " +
                      std::to_string(experts) + " experts in " +
                      std::to_string(banks) + " layers, " +
                      std::to_string(slots) + " slots and " +
                      std::to_string(rowsPerStep) +
                      " rows a step, expected at least 1 of each");
  // From so many rows on a step demands all experts, and more rows only make
  // each of them serve more.
  const double all = std::ceil(
      std::log(kUnused) /
      std::log1p(-std::min(kMostUsed, static_cast<double>(topK) / experts)));
  const uint32_t rows = std::min(rowsPerStep, static_cast<uint32_t>(all));
  const double demands = demandsOfLayer(experts, topK, rows);
  const Play play{banks,  experts,   slots,   rows,
                  policy, hostShare, demands, disk};
  // Where nearly all are demanded who comes next decides, which few layers say
  // too roughly.
  constexpr double kNearlyAll = 0.8, kMoreLayers = 4;
  const double most =
      kFewestLayers * (demands > kNearlyAll * experts ? kMoreLayers : 1);
  // With m layers a step looks at slots demands * m * slots * m / banks times.
  constexpr double kAboutSteps = 20;
  const double affordable = std::sqrt(static_cast<double>(kMostVisits) * banks /
                                      (demands * slots * kAboutSteps));
  const std::vector<uint32_t> layers = spreadLayers(
      banks, static_cast<uint32_t>(std::min<double>(
                 banks, std::clamp(affordable, kFewestLayers, most))));
  const auto played = static_cast<double>(layers.size());
  // Until so large a share of all experts as there are slots was demanded.
  const double filled =
      std::min(kMostUsed, slots / (static_cast<double>(banks) * experts));
  const double used = std::min(kMostUsed, demands / experts);
  const double fill = std::ceil(std::log1p(-filled) / std::log1p(-used));
  const double counted =
      std::max(kFewestUniformSteps, kUniformDemands / (demands * played));
  const auto steps =
      static_cast<uint64_t>(std::ceil(fill + kSettling + counted));
  SLUICE_ASSIGN_OR_RETURN(
      PlayedPart part,
      playPart(play, layers,
               uniformTrace(static_cast<uint32_t>(layers.size()), experts, topK,
                            steps * rows),
               steps));
  HitEstimate estimate = estimateOf(std::move(part), play, banks / played);
  estimate.missesByRows =
      moreRows(estimate.missesByRows, static_cast<double>(rowsPerStep) / rows);
  return estimate;
}

Result<std::vector<double>>
estimateMisses(const RoutingTrace &trace, uint32_t slots, uint32_t rowsPerStep,
               std::string_view policy, double hostShare, uint64_t mostVisits) {
  SLUICE_ASSIGN_OR_RETURN(const Play play, playOf(trace, slots, rowsPerStep,
                                                  policy, hostShare, {}));
  std::vector<double> misses;
  uint64_t steps = trace.rows / rowsPerStep;
  if (steps < 2)
    return misses;

  // As above, but all layers are played, m at once: the visits of a step fall
  // with m.
  const double layers = trace.banks;
  const double most = static_cast<double>(mostVisits);
  const double visits = play.demands * slots; // over m
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
        playPart(play, chosen, samplePart(trace, chosen), steps));
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
