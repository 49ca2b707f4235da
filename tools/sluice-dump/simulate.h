//===- simulate.h - One decode step in virtual time -------------*- C++ -*-===//
#pragma once

#include "runtime/backend/trace.h"
#include "runtime/core/status.h"
#include "runtime/plan/plan.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::tools {

/// What a simulated step is of. The defaults are those of sluice-dump.
struct SimulatedStep {
  std::string hardware = {};          ///< hw.json; empty: built in.
  std::string routing = "synthetic:"; ///< See openRouting.
  uint32_t rows = 0;                  ///< 0: as many as the plan has.
  uint32_t context = 512;             ///< Tokens before each row, at most.
};

struct StepTrace {
  std::string title; ///< Model, rows, context, machine.
  std::vector<TraceSpan> spans;
};

/// Loads the plan on the sim backend (no weights are read) and traces one
/// decode step, after a few that bring the experts in use to the device.
/// InvalidArgument for more rows than the plan has.
Result<StepTrace> simulateStep(const std::shared_ptr<const plan::Plan> &plan,
                               const SimulatedStep &step);

} // namespace sluice::tools
