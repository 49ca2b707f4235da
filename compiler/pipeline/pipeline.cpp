//===- pipeline.cpp - Which passes run in which order ---------------------===//

#include "compiler/pipeline/pipeline.h"

#include "compiler/passes/Passes.h"

#include "mlir/Transforms/Passes.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice {
namespace {

// They only make a plan faster; without them it gives the same tokens.
constexpr std::string_view kMayBeDisabled[] = {
    "canonicalize", "cse", "fuse-llm", "assign-streams", "plan-memory"};

class Pipeline {
public:
  Pipeline(mlir::OpPassManager &passes, const CompileOptions &options)
      : passes(passes), options(options) {}

  //===--------------------------------------------------------------------===//
  // llm: what is computed
  //===--------------------------------------------------------------------===//
  void llm() {
    // Builders emit the plain graph; canonical forms are what fusion looks for.
    if (enabled("canonicalize"))
      passes.addPass(mlir::createCanonicalizerPass());
    if (enabled("cse"))
      passes.addPass(mlir::createCSEPass());
    // While ops still are tensor ops: later, their operands are memory.
    if (enabled("fuse-llm"))
      passes.addPass(createFuseLlm());
    // The gate: later stages rely on a whole model with complete entry points.
    passes.addPass(createVerifyLlm());
  }

  //===--------------------------------------------------------------------===//
  // expert: where experts are and when they move
  //===--------------------------------------------------------------------===//
  void expert() {
    // All experts get a slot: the budget is checked against the whole plan,
    // whose error can name what everything takes.
    passes.addPass(createInsertExpertTransfers());
  }

  //===--------------------------------------------------------------------===//
  // plan: when, on which stream, at which address
  //===--------------------------------------------------------------------===//
  void plan() {
    // Arithmetic classes are fixed here, by the row limit of the entry point.
    LowerToPlanOptions lowering;
    lowering.portable = options.arithmetic == ArithmeticChoice::Portable;
    passes.addPass(createLowerToPlan(lowering));
    // Before memory is planned: a buffer lives until an event says otherwise.
    if (enabled("assign-streams"))
      passes.addPass(createAssignStreams());
    if (enabled("plan-memory"))
      passes.addPass(createPlanMemory());
    // The gate: nothing leaves the compiler that could race.
    passes.addPass(createVerifyPlan());
  }

private:
  bool enabled(std::string_view name) const {
    return std::ranges::find(options.disabledPasses, name) ==
           options.disabledPasses.end();
  }

  mlir::OpPassManager &passes;
  const CompileOptions &options;
};

} // namespace

Status checkDisabledPasses(const CompileOptions &options) {
  for (const std::string &name : options.disabledPasses)
    if (std::ranges::find(kMayBeDisabled, name) == std::end(kMayBeDisabled)) {
      std::string message =
          "--disable-pass is '" + name + "', expected one of ";
      for (std::string_view pass : kMayBeDisabled) {
        message += pass == kMayBeDisabled[0] ? "" : ", ";
        message += pass;
      }
      return Status(ErrorCode::InvalidArgument, std::move(message));
    }
  return Status::ok();
}

Status buildPipeline(mlir::OpPassManager &passes, const CompileOptions &options,
                     Stage stage) {
  SLUICE_RETURN_IF_ERROR(checkDisabledPasses(options));
  Pipeline pipeline(passes, options);
  pipeline.llm();
  if (stage >= Stage::Expert)
    pipeline.expert();
  if (stage >= Stage::Plan)
    pipeline.plan();
  return Status::ok();
}

} // namespace sluice
