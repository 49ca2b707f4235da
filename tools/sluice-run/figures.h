//===- figures.h - What a run cost ------------------------------*- C++ -*-===//
#pragma once

#include "tools/sluice-run/files.h"
#include "tools/sluice-run/session.h"

#include <string>

namespace sluice::tools {

/// The counters since the load. Of a plan whose experts are all on the device
/// from the start: every routed (token, expert) pair is a hit and nothing
/// moves.
ExpertCounters expertCounters(const Session &session,
                              const GenerateMetrics &metrics);

/// The decode step that the plan predicts, where it can stand beside `steps` of
/// `rows` rows together: it is of a step with all of the plan's sequences. 0
/// where some had fewer, or the plan predicts none.
double comparablePrediction(const plan::fb::Plan &plan, uint64_t steps,
                            uint64_t rows);

/// What the run was that `metrics` are of.
RunFacts factsOf(const RunOptions &options, const Session &session,
                 const GenerateMetrics &metrics);

/// The line that ends a run.
std::string figuresLine(const GenerateMetrics &metrics,
                        const ExpertCounters &experts, const RunFacts &facts);

} // namespace sluice::tools
