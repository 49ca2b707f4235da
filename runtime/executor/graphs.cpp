//===- graphs.cpp - Stretches of steps that are captured ------------------===//

#include "runtime/executor/graphs.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice {
namespace {

/// The layer that the stretch ends in, for traces.
int32_t layerOf(std::span<const Step> steps) {
  for (size_t i = steps.size(); i-- > 0;)
    if (const auto *launch = std::get_if<LaunchStep>(&steps[i]);
        launch && launch->layer >= 0)
      return launch->layer;
  return -1;
}

/// The graph of the stretch, which has not run.
Result<uint32_t> capture(StreamKind stream, std::span<const Step> steps,
                         Backend &backend, const StepSize &size) {
  SLUICE_RETURN_IF_ERROR(backend.beginGraph(stream));
  Status status;
  for (const Step &step : steps)
    if (status.isOk())
      status = sluice::run(step, backend, size);
  auto graph = backend.endGraph(stream);
  SLUICE_RETURN_IF_ERROR(std::move(status));
  return graph;
}

} // namespace

Status run(const GraphBeginStep &, Backend &, const StepSize &) {
  return Status::ok();
}

Status run(const GraphEndStep &, Backend &, const StepSize &) {
  return Status::ok();
}

Graphs::Graphs(std::string entry, size_t stretches)
    : entry(std::move(entry)), stretches(stretches),
      graphs(kMaxCaptured * stretches) {
  captured.reserve(kMaxCaptured);
  met.reserve(kMaxMet);
}

void Graphs::beginStep(const StepSize &size) {
  place.reset();
  if (stretches == 0)
    return;
  const Pair pair{size.rows, size.logitRows};
  auto known = std::find(captured.begin(), captured.end(), pair);
  if (known == captured.end()) {
    if (std::find(met.begin(), met.end(), pair) == met.end()) {
      remember(pair);
      return;
    }
    if (captured.size() == kMaxCaptured)
      return;
    known = captured.insert(known, pair);
  }
  place = static_cast<size_t>(known - captured.begin());
}

void Graphs::remember(const Pair &pair) {
  if (met.size() < kMaxMet) {
    met.push_back(pair);
    return;
  }
  met[oldest] = pair;
  oldest = (oldest + 1) % kMaxMet;
}

Result<bool> Graphs::run(const GraphBeginStep &begin,
                         std::span<const Step> steps, Backend &backend,
                         const StepSize &size) {
  if (!place || !backend.hasGraphs())
    return false;
  std::optional<uint32_t> &graph = graphs[*place * stretches + begin.graph];
  if (!graph) {
    if (refused)
      return false;
    auto made = capture(begin.stream, steps, backend, size);
    if (!made) {
      refuse(made.status());
      return false;
    }
    graph = *made;
  }
  backend.label({"graph", layerOf(steps), -1});
  SLUICE_RETURN_IF_ERROR(backend.launchGraph(begin.stream, *graph));
  return true;
}

void Graphs::refuse(const Status &why) {
  refused = true;
  std::fprintf(stderr,
               "%s: no more graphs are captured, steps without them will be "
               "slower; %s\n",
               entry.c_str(), std::string(why.message()).c_str());
}

} // namespace sluice
