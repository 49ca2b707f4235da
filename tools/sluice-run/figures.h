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

/// The line that ends a run; `predictedStepMs` as in writeMetrics.
std::string figuresLine(const GenerateMetrics &metrics,
                        const ExpertCounters &experts, double loadMs,
                        double predictedStepMs);

} // namespace sluice::tools
