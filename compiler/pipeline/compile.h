//===- compile.h - From an llm module to a plan that fits -------*- C++ -*-===//
//
// First as if every expert had a slot for good; where the budget does not hold
// that, again with experts that move while a step runs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <functional>

namespace sluice {

/// What is known when the planner is asked: the static plan did not fit.
struct ExpertSituation {
  /// The llm module before any pass, with its llm.expert_bank ops.
  mlir::ModuleOp model;
  int64_t slotBytes = 0;   ///< Of the largest expert.
  int64_t slots = 0;       ///< For which the budget has room, within a few.
  int64_t experts = 0;     ///< Of all layers together.
  int64_t hostExperts = 0; ///< Of those, how many the host budget holds.
  int64_t deviceFixed = 0; ///< Bytes of GPU memory beside the slots.
};

using ExpertPlanner =
    std::function<Result<ExpertDecisions>(const ExpertSituation &)>;

struct CompileHooks {
  /// Decides how experts move; none: ExpertDecisions() as `options.experts`
  /// asks.
  ExpertPlanner planner;
  /// Sets up a pass manager before it runs: command line flags, timing.
  std::function<Status(mlir::PassManager &)> prepare;
};

struct CompiledModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// True when experts move while a step runs.
  bool dynamic = false;
  /// Where `dynamic`: what the planner decided.
  ExpertDecisions decisions;
};

/// Brings `model`, an llm module, to `stage` (Flatbuffer is Plan). What comes
/// out takes as little as it can, but may still be larger than a budget:
/// plan.memory says so.
Result<CompiledModel> compileModel(mlir::OwningOpRef<mlir::ModuleOp> model,
                                   const CompileOptions &options, Stage stage,
                                   const CompileHooks &hooks = {});

} // namespace sluice
