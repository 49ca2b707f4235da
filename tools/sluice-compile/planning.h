//===- planning.h - The planner at work in a compile ------------*- C++ -*-===//
#pragma once

#include "compiler/analysis/planner.h"
#include "compiler/pipeline/compile.h"
#include "tools/sluice-compile/flags.h"
#include "tools/sluice-compile/recorded_routing.h"

#include <string>
#include <vector>

namespace sluice::tools {

/// Holds what the planner reads for one model: its shapes, the machine, the
/// recorded routing.
class Planning {
public:
  /// `model` is an llm module before any pass. Reads --hardware and --routing.
  static Result<Planning> create(mlir::ModuleOp model,
                                 const CompileOptions &options);
  Planning(Planning &&) = default;

  std::shared_ptr<const RoutingStatistics> routing() const {
    return recorded.statistics;
  }

  /// --batch auto: compiles a few n as if there were no budget, to see how
  /// memory grows with batches, and asks the planner. `import` gives the llm
  /// module of the options of such a trial.
  using Import = std::function<Result<mlir::OwningOpRef<mlir::ModuleOp>>(
      const CompileOptions &trial)>;
  Result<int64_t> chooseBatch(const CompileOptions &options,
                              const Import &import);

  /// For CompileHooks: decides, and keeps the report.
  Result<ExpertDecisions> decide(const ExpertSituation &situation,
                                 const CompileOptions &options);

  /// What --explain says below the memory table. Decides first where every
  /// expert stays on the GPU, and then writes the predicted time into `plan`, a
  /// module in the plan dialect.
  std::string finish(mlir::ModuleOp plan, const CompileOptions &options);

private:
  Planning() = default;
  PlannerInputs inputs(const CompileOptions &options) const;

  ModelShape shape;
  int64_t maxSeq = 1; ///< Tokens of one sequence.
  Hardware hardware;
  RecordedRouting recorded;
  RoutingEvidence uniform;
  std::vector<std::string> batchLines;
  std::optional<PlannerReport> report;
};

} // namespace sluice::tools
