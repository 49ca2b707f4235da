//===- replayed_hits.cpp - Tokens played for the planner ------------------===//

#include "tools/sluice-compile/replayed_hits.h"

#include "compiler/analysis/expected_union.h"
#include "runtime/experts/hit_estimate.h"
#include "runtime/experts/policy.h"
#include "runtime/experts/routing_source.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice::tools {
namespace {

/// Steps of uniform tokens that are played behind those that fill the slots:
/// so many that what is counted no longer depends on them.
constexpr double kUniformSteps = 48;
/// All layers are alike, so few of them say what there is to say.
constexpr uint64_t kUniformVisits = 10'000'000;

experts::RoutingTrace uniformTrace(const ModelShape &shape, int64_t batch,
                                   int64_t slots) {
  const LayerShape &layer = shape.layers.front();
  const double demanded = expectedUnion(static_cast<double>(layer.experts),
                                        static_cast<double>(layer.topK),
                                        static_cast<double>(batch)) *
                          static_cast<double>(shape.layers.size());
  // Each step fills what it demands at most, less towards the end.
  const double fill = 4 * std::ceil(static_cast<double>(slots) / demanded);
  experts::RoutingTrace trace;
  trace.banks = static_cast<uint32_t>(shape.layers.size());
  trace.experts = static_cast<uint32_t>(layer.experts);
  trace.topK = static_cast<uint32_t>(layer.topK);
  const auto steps = static_cast<uint64_t>(fill + kUniformSteps);
  trace.rows = steps * static_cast<uint64_t>(batch);
  trace.ids.resize(trace.rows * trace.banks * trace.topK);
  const auto source = experts::makeSyntheticRouting(
      {trace.banks, trace.experts, trace.topK, 1}, {.seed = 1});
  int32_t *ids = trace.ids.data();
  for (uint64_t row = 0; row < trace.rows; ++row)
    for (uint32_t bank = 0; bank < trace.banks; ++bank, ids += trace.topK)
      source->fill(row, bank, 1, trace.topK, ids);
  return trace;
}

/// As replayHits and estimateHits.
ReplayedHits play(const experts::RoutingTrace &trace, uint64_t distinct,
                  int64_t batch, int64_t slots, double hostShare,
                  const experts::DiskTier &disk, uint64_t mostVisits) {
  ReplayedHits hits;
  hits.tokens = static_cast<int64_t>(distinct);
  if (batch < 1 || slots < 1)
    return hits;
  Result<experts::HitEstimate> found = experts::estimateHits(
      trace, static_cast<uint32_t>(slots), static_cast<uint32_t>(batch),
      experts::kPolicyNames[experts::kDefaultPolicy], hostShare, mostVisits,
      disk);
  if (!found || found->demands == 0)
    return hits;
  const double fresh =
      static_cast<double>(distinct) / static_cast<double>(trace.rows);
  double layers = 0;
  for (uint64_t count : found->layersByMisses)
    layers += static_cast<double>(count);
  hits.active = static_cast<double>(found->demands) / layers;
  for (uint64_t count : found->layersByMisses)
    hits.missing.push_back(static_cast<double>(count) / layers);
  const double misses = std::accumulate(found->missesByRows.begin(),
                                        found->missesByRows.end(), 0.0);
  for (uint64_t count : found->missesByRows)
    hits.rows.push_back(static_cast<double>(count) / misses);
  if (misses > 0)
    hits.onDisk = static_cast<double>(found->missesOnDisk) / misses;
  hits.tokens = std::llround(fresh * static_cast<double>(found->tokens));
  hits.demandsPerSlot = fresh * found->demandsPerSlot;
  return hits;
}

} // namespace

ReplayedHits replayHits(const experts::RoutingTrace &trace, uint64_t distinct,
                        int64_t batch, int64_t slots, double hostShare,
                        const DiskHomes &disk) {
  const experts::DiskTier tier{disk.onDisk, static_cast<float>(disk.cost)};
  return play(trace, distinct, batch, slots, hostShare, tier,
              experts::kMostVisits);
}

std::vector<std::vector<float>> replayMisses(const experts::RoutingTrace &trace,
                                             int64_t batch, int64_t slots,
                                             double hostShare) {
  std::vector<std::vector<float>> byLayer;
  if (batch < 1 || slots < 1)
    return byLayer;
  Result<std::vector<double>> found = experts::estimateMisses(
      trace, static_cast<uint32_t>(slots), static_cast<uint32_t>(batch),
      experts::kPolicyNames[experts::kDefaultPolicy], hostShare);
  if (!found)
    return byLayer;
  for (auto from = found->begin(); from != found->end(); from += trace.experts)
    byLayer.emplace_back(from, from + trace.experts);
  return byLayer;
}

RoutingEvidence uniformEvidence(const ModelShape &shape) {
  RoutingEvidence evidence;
  if (shape.layers.empty())
    return evidence;
  evidence.hits = [shape](int64_t batch, int64_t slots, double hostShare,
                          const DiskHomes &disk) {
    const experts::RoutingTrace trace = uniformTrace(shape, batch, slots);
    const experts::DiskTier tier{disk.onDisk, static_cast<float>(disk.cost),
                                 /*knowsDemand=*/false};
    ReplayedHits hits =
        play(trace, trace.rows, batch, slots, hostShare, tier, kUniformVisits);
    hits.demandsPerSlot = ReplayedHits::kEnoughDemands;
    return hits;
  };
  return evidence;
}

} // namespace sluice::tools
