//===- replayed_hits.cpp - Tokens played for the planner ------------------===//

#include "tools/sluice-compile/replayed_hits.h"

#include "runtime/experts/hit_estimate.h"
#include "runtime/experts/policy.h"

#include <cmath>
#include <numeric>

namespace sluice::tools {
namespace {

/// `found` of tokens of which a share of `fresh` are routed like no other.
void read(const experts::HitEstimate &found, double fresh, ReplayedHits &hits) {
  if (found.demands == 0)
    return;
  double layers = 0;
  for (const experts::LayersAlike &alike : found.layersAlike)
    layers += static_cast<double>(alike.layers);
  hits.active = static_cast<double>(found.demands) / layers;
  for (const experts::LayersAlike &alike : found.layersAlike)
    hits.layers.push_back({static_cast<double>(alike.misses),
                           static_cast<double>(alike.onDisk),
                           static_cast<double>(alike.layers) / layers});
  const double misses = std::accumulate(found.missesByRows.begin(),
                                        found.missesByRows.end(), 0.0);
  for (uint64_t count : found.missesByRows)
    hits.rows.push_back(static_cast<double>(count) / misses);
  hits.tokens = std::llround(fresh * static_cast<double>(found.tokens));
  hits.demandsPerSlot = fresh * found.demandsPerSlot;
}

const char *defaultPolicy() {
  return experts::kPolicyNames[experts::kDefaultPolicy];
}

} // namespace

ReplayedHits replayHits(const experts::RoutingTrace &trace, uint64_t distinct,
                        int64_t batch, int64_t slots, double hostShare,
                        const DiskHomes &disk) {
  ReplayedHits hits;
  hits.tokens = static_cast<int64_t>(distinct);
  if (batch < 1 || slots < 1)
    return hits;
  Result<experts::HitEstimate> found = experts::estimateHits(
      trace, static_cast<uint32_t>(slots), static_cast<uint32_t>(batch),
      defaultPolicy(), hostShare, experts::kMostVisits,
      {disk.onDisk, static_cast<float>(disk.cost)});
  if (found)
    read(*found,
         static_cast<double>(distinct) / static_cast<double>(trace.rows), hits);
  return hits;
}

std::vector<std::vector<float>> replayMisses(const experts::RoutingTrace &trace,
                                             int64_t batch, int64_t slots,
                                             double hostShare) {
  std::vector<std::vector<float>> byLayer;
  if (batch < 1 || slots < 1)
    return byLayer;
  Result<std::vector<double>> found = experts::estimateMisses(
      trace, static_cast<uint32_t>(slots), static_cast<uint32_t>(batch),
      defaultPolicy(), hostShare);
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
  const LayerShape &layer = shape.layers.front();
  const experts::UniformRouting routing{
      static_cast<uint32_t>(shape.layers.size()),
      static_cast<uint32_t>(layer.experts), static_cast<uint32_t>(layer.topK)};
  evidence.hits = [routing](int64_t batch, int64_t slots, double hostShare,
                            const DiskHomes &disk) {
    ReplayedHits hits;
    if (batch < 1 || slots < 1)
      return hits;
    Result<experts::HitEstimate> found = experts::estimateUniformHits(
        routing, static_cast<uint32_t>(slots), static_cast<uint32_t>(batch),
        defaultPolicy(), hostShare,
        {disk.onDisk, static_cast<float>(disk.cost), /*knowsDemand=*/false});
    if (!found)
      return hits;
    read(*found, 1, hits);
    hits.demandsPerSlot = ReplayedHits::kEnoughDemands;
    return hits;
  };
  return evidence;
}

} // namespace sluice::tools
