//===- recorded_routing.cpp - What --routing brings to a compile ----------===//

#include "tools/sluice-compile/recorded_routing.h"

#include "dialects/llm/Llm.h"
#include "runtime/experts/hit_estimate.h"
#include "runtime/experts/routing_file.h"
#include "runtime/io/fingerprint.h"
#include "tools/sluice-compile/replayed_hits.h"

namespace sluice::tools {
namespace {

uint64_t fingerprintOf(mlir::ModuleOp model) {
  std::vector<FileIdentity> files;
  for (auto file : model.getOps<llm::FileOp>())
    files.push_back({file.getPath().str(),
                     static_cast<uint64_t>(file.getBytes()),
                     static_cast<uint64_t>(file.getHeaderHash())});
  return fingerprint(files);
}

/// `recorded` with every expert used once more in `tokens` tokens.
RoutingStatistics smooth(const RoutingStatistics &recorded, double topK,
                         double tokens) {
  RoutingStatistics smoothed = recorded;
  for (LayerRouting &layer : smoothed) {
    // So many tokens of uniform routing use each expert once.
    const double more = static_cast<double>(layer.popularity.size()) / topK;
    for (float &p : layer.popularity)
      p = static_cast<float>((static_cast<double>(p) * tokens + 1) /
                             (tokens + more));
  }
  return smoothed;
}

} // namespace

Result<RecordedRouting> readRecordedRouting(const std::string &path,
                                            mlir::ModuleOp model,
                                            const ModelShape &shape) {
  RecordedRouting recorded;
  if (path.empty())
    return recorded;
  if (shape.layers.empty())
    return Status(ErrorCode::Unsupported,
                  "--routing " + path + ": the model has no expert layers");
  experts::RoutingExpectation expectation;
  expectation.model = shape.name;
  expectation.fingerprint = fingerprintOf(model);
  for (const LayerShape &layer : shape.layers)
    expectation.layers.push_back(static_cast<uint32_t>(layer.layer));
  const LayerShape &first = shape.layers.front();
  expectation.experts = static_cast<uint32_t>(first.experts);
  expectation.topK = static_cast<uint32_t>(first.topK);
  SLUICE_ASSIGN_OR_RETURN(experts::RoutingStatistics read,
                          experts::readRoutingStatistics(path, expectation));

  auto statistics = std::make_shared<RoutingStatistics>();
  const size_t experts = read.experts;
  for (size_t i = 0; i < read.layers.size(); ++i) {
    LayerRouting layer;
    layer.layer = read.layers[i];
    auto popularity =
        read.popularity.begin() + static_cast<std::ptrdiff_t>(i * experts);
    layer.popularity.assign(popularity,
                            popularity + static_cast<std::ptrdiff_t>(experts));
    if (i > 0) {
      const auto width = std::min<uint32_t>(kSuccessors, read.experts);
      layer.successors = read.successors(static_cast<uint32_t>(i), width);
      layer.successorCount = width;
    }
    statistics->push_back(std::move(layer));
    auto counts = read.transitions.begin() +
                  static_cast<std::ptrdiff_t>(i * experts * experts);
    recorded.evidence.transitions.emplace_back(
        counts, counts + static_cast<std::ptrdiff_t>(experts * experts));
  }
  // Nothing is known of the layer before the first.
  recorded.evidence.transitions.front().clear();
  recorded.statistics = std::move(statistics);

  SLUICE_ASSIGN_OR_RETURN(experts::RoutingTrace found,
                          experts::readRoutingTrace(path, expectation));
  auto trace = std::make_shared<const experts::RoutingTrace>(std::move(found));
  const uint64_t distinct = experts::distinctTokens(*trace);
  recorded.likely =
      smooth(*recorded.statistics, static_cast<double>(first.topK),
             static_cast<double>(distinct));
  recorded.evidence.hits = [trace, distinct](int64_t batch, int64_t slots,
                                             double hostShare,
                                             const DiskHomes &disk) {
    return replayHits(*trace, distinct, batch, slots, hostShare, disk);
  };
  recorded.evidence.missed = [trace](int64_t batch, int64_t slots,
                                     double hostShare) {
    return replayMisses(*trace, batch, slots, hostShare);
  };
  return recorded;
}

} // namespace sluice::tools
