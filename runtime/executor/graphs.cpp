//===- graphs.cpp - Stretches of steps that are captured ------------------===//

#include "runtime/executor/graphs.h"

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

} // namespace

Status run(const GraphBeginStep &, Backend &, const StepSize &) {
  return Status::ok();
}

Status run(const GraphEndStep &, Backend &, const StepSize &) {
  return Status::ok();
}

Graph::Size *Graph::find(const StepSize &size) {
  for (Size &known : sizes)
    if (known.rows == size.rows && known.logitRows == size.logitRows)
      return &known;
  return nullptr;
}

Result<bool> Graph::run(const GraphBeginStep &begin,
                        std::span<const Step> steps, Backend &backend,
                        const StepSize &size) {
  if (!backend.hasGraphs())
    return false;
  Size *known = find(size);
  if (!known) {
    if (sizes.size() < kMaxSizes)
      sizes.push_back({size.rows, size.logitRows, {}});
    return false;
  }
  if (!known->graph) {
    SLUICE_RETURN_IF_ERROR(backend.beginGraph(begin.stream));
    Status status;
    for (const Step &step : steps)
      if (status.isOk())
        status = sluice::run(step, backend, size);
    auto graph = backend.endGraph(begin.stream);
    SLUICE_RETURN_IF_ERROR(std::move(status));
    if (!graph)
      return graph.takeStatus();
    known->graph = *graph;
  }
  backend.label({"graph", layerOf(steps), -1});
  SLUICE_RETURN_IF_ERROR(backend.launchGraph(begin.stream, *known->graph));
  return true;
}

} // namespace sluice
