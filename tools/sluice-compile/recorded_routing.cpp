//===- recorded_routing.cpp - What --routing brings to a compile ----------===//

#include "tools/sluice-compile/recorded_routing.h"

#include "dialects/llm/Llm.h"
#include "runtime/experts/replay.h"
#include "runtime/experts/routing_file.h"
#include "runtime/io/fingerprint.h"

#include <algorithm>

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

/// Replays the tokens as the runtime's default policy would meet them. Long
/// traces are cut: a hit rate needs no more.
double replayedHitRate(const experts::RoutingTrace &trace, int64_t batch,
                       int64_t slots) {
  constexpr uint64_t kMostSlotVisits = 200'000'000;
  const uint64_t perRow = uint64_t(trace.banks) * trace.topK *
                          static_cast<uint64_t>(std::max<int64_t>(slots, 1));
  experts::RoutingTrace part = trace;
  part.rows = std::clamp<uint64_t>(kMostSlotVisits / perRow, 1, trace.rows);
  part.ids.resize(part.rows * trace.banks * trace.topK);
  if (batch < 1 || slots < 1 || static_cast<uint64_t>(batch) > part.rows)
    return -1;
  Result<experts::ReplayResult> result = experts::replay(
      part, static_cast<uint32_t>(slots), static_cast<uint32_t>(batch),
      experts::kPolicyNames[experts::kDefaultPolicy]);
  if (!result || result->demands == 0)
    return -1;
  // Load fills the slots: only what evicts is a miss of the steps.
  return 1 - static_cast<double>(result->evictions) /
                 static_cast<double>(result->demands);
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

  SLUICE_ASSIGN_OR_RETURN(experts::RoutingTrace trace,
                          experts::readRoutingTrace(path, expectation));
  recorded.evidence.hitRate = [trace = std::move(trace)](int64_t batch,
                                                         int64_t slots) {
    return replayedHitRate(trace, batch, slots);
  };
  return recorded;
}

} // namespace sluice::tools
