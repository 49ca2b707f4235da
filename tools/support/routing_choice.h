//===- routing_choice.h - --routing: ids that no router chose ---*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/experts/routing_source.h"
#include "runtime/plan/plan.h"

#include <memory>
#include <string>

namespace sluice::tools {

/// Whether the flag's value names ids that no router chose: what is computed
/// with them means nothing.
bool replacesRouter(const std::string &text);

/// The source that `text`, the flag's value, names for a plan: "replay:FILE"
/// (of the plan's own model), "synthetic:repeat=R,skew=S,seed=N", or "model"
/// and "", for which there is none: null. InvalidArgument when experts of the
/// plan do not move: nothing asks for ids there.
Result<std::unique_ptr<experts::RoutingSource>>
openRouting(const std::string &text, const plan::Plan &plan);

/// Fails where a plan whose experts move would run on a backend whose kernels
/// compute nothing without a source of ids.
Status checkRouting(const Backend &backend, const plan::Plan &plan,
                    const experts::RoutingSource *routing);

} // namespace sluice::tools
