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
    "canonicalize",    "cse",          "fuse-llm",
    "merge-expert-io", "split-misses", "schedule-prefetch",
    "assign-streams",  "plan-memory",  "place-experts",
    "form-graphs"};

class Pipeline {
public:
  Pipeline(mlir::OpPassManager &passes, const CompileOptions &options,
           const MovingExperts *moving)
      : passes(passes), options(options), moving(moving),
        serial(moving && options.schedule == ScheduleKind::Serial) {}

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
    // Unless the whole plan turned out too large, all experts get a slot.
    InsertExpertTransfersOptions transfers;
    if (moving) {
      transfers.dynamic = true;
      transfers.serial = serial;
      transfers.budget = moving->slotBudget;
    }
    passes.addPass(createInsertExpertTransfers(transfers));
    // The baseline keeps what the passes below would mend.
    if (!moving || serial)
      return;
    // First: one union is what can be divided, and what evidence is taken from.
    if (enabled("merge-expert-io"))
      passes.addPass(createMergeExpertIo());
    const ExpertDecisions &decisions = moving->decisions;
    if (decisions.hostShare > 0 && enabled("split-misses")) {
      SplitMissesOptions split;
      split.share = decisions.hostShare;
      passes.addPass(createSplitMisses(split));
    }
    // Behind the split, whose sum lies behind the run: what is moved ahead
    // starts while the CPU is still busy.
    if (decisions.prefetchLimit > 0 && enabled("schedule-prefetch")) {
      SchedulePrefetchOptions ahead;
      ahead.limit = decisions.prefetchLimit;
      passes.addPass(createSchedulePrefetch(ahead));
    }
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
    // Only now it is known what the budget leaves for slots.
    if (moving && enabled("place-experts"))
      passes.addPass(createPlaceExperts(placement()));
    // Last: it may move events, which the passes above decided on.
    if (!serial && enabled("form-graphs"))
      passes.addPass(createFormGraphs());
    // The gate: nothing leaves the compiler that could race.
    passes.addPass(createVerifyPlan());
  }

private:
  bool enabled(std::string_view name) const { return isEnabled(options, name); }

  PlaceExpertsOptions placement() const {
    auto limit = [](std::optional<uint64_t> bytes) {
      return static_cast<int64_t>(
          std::min<uint64_t>(bytes.value_or(INT64_MAX), INT64_MAX));
    };
    PlaceExpertsOptions placement;
    placement.gpuBudget = limit(options.gpuMemory);
    placement.hostBudget = limit(options.hostMemory);
    placement.wave = serial ? 0 : moving->decisions.waveBytes;
    placement.diskCost = moving->decisions.diskCost;
    placement.empty = serial;
    return placement;
  }

  mlir::OpPassManager &passes;
  const CompileOptions &options;
  const MovingExperts *moving;
  bool serial;
};

} // namespace

bool isEnabled(const CompileOptions &options, std::string_view pass) {
  return std::ranges::find(options.disabledPasses, pass) ==
         options.disabledPasses.end();
}

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
                     Stage stage, const MovingExperts *moving) {
  SLUICE_RETURN_IF_ERROR(checkDisabledPasses(options));
  Pipeline pipeline(passes, options, moving);
  pipeline.llm();
  if (stage >= Stage::Expert)
    pipeline.expert();
  if (stage >= Stage::Plan)
    pipeline.plan();
  return Status::ok();
}

} // namespace sluice
