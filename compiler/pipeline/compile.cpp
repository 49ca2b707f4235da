//===- compile.cpp - From an llm module to a plan that fits ---------------===//

#include "compiler/pipeline/compile.h"

#include "compiler/analysis/host_room.h"
#include "compiler/passes/Passes.h"
#include "compiler/pipeline/complaints.h"
#include "compiler/pipeline/pipeline.h"
#include "runtime/experts/policy.h"

#include "mlir/IR/Builders.h"

#include <algorithm>
#include <map>

using namespace mlir;

namespace sluice {
namespace {

Status runPasses(ModuleOp module, const CompileOptions &options, Stage stage,
                 const CompileHooks &hooks, const MovingExperts *moving) {
  PassManager passes(module->getName());
  if (hooks.prepare)
    SLUICE_RETURN_IF_ERROR(hooks.prepare(passes));
  SLUICE_RETURN_IF_ERROR(buildPipeline(passes, options, stage, moving));
  Complaints complaints(*module.getContext());
  if (failed(passes.run(module)))
    return complaints.status("a pass");
  return Status::ok();
}

/// Bytes of a memory, without the slots of experts.
struct Taken {
  int64_t device = 0, slots = 0, host = 0;
};

Taken takenBy(ModuleOp plan) {
  Taken taken;
  for (auto line : plan.getOps<planir::MemoryOp>())
    (line.getMemory() == planir::Memory::Host ? taken.host : taken.device) +=
        line.getBytes();
  for (auto arena : plan.getOps<planir::ArenaOp>())
    if (arena.getName() == "experts")
      taken.slots += arena.getBytes();
  taken.device -= taken.slots;
  return taken;
}

int64_t clampBytes(std::optional<uint64_t> bytes) {
  return static_cast<int64_t>(
      std::min<uint64_t>(bytes.value_or(INT64_MAX), INT64_MAX));
}

ExpertSituation describeSituation(ModuleOp model, const Taken &taken,
                                  const CompileOptions &options) {
  ExpertSituation situation;
  situation.model = model;
  situation.deviceFixed = taken.device;
  for (auto bank : model.getOps<llm::ExpertBankOp>()) {
    situation.slotBytes =
        std::max(situation.slotBytes, expert::slotLayout(bank).bytes);
    situation.experts += bank.getExperts();
  }
  int64_t left = clampBytes(options.gpuMemory) - taken.device;
  situation.slots =
      std::clamp(left / situation.slotBytes, expert::kMinimumSlots,
                 std::max(expert::kMinimumSlots, situation.experts));
  int64_t hostLeft = clampBytes(options.hostMemory) - taken.host;
  situation.hostExperts =
      expertsOnHost(hostLeft / situation.slotBytes, situation.experts,
                    isEnabled(options, "place-experts"));
  return situation;
}

/// Bytes of the fewest slots that work: a pool for each type of weight.
int64_t fewestSlotBytes(ModuleOp model) {
  std::map<const void *, int64_t> slotBytes;
  for (auto bank : model.getOps<llm::ExpertBankOp>()) {
    int64_t &largest = slotBytes[bank.getDtype().getAsOpaquePointer()];
    largest = std::max(largest, expert::slotLayout(bank).bytes);
  }
  int64_t bytes = 0;
  for (auto &[dtype, largest] : slotBytes)
    bytes += expert::kMinimumSlots * largest;
  return bytes;
}

/// Runs the passes on `model`, whose slots share about `moving.slotBudget`.
/// place-experts makes that exact. Without it, what the first plan takes beside
/// its slots says how many a second one can have.
Status runMoving(OwningOpRef<ModuleOp> &model, const CompileOptions &options,
                 Stage stage, const CompileHooks &hooks,
                 MovingExperts &moving) {
  bool placed = isEnabled(options, "place-experts");
  OwningOpRef<ModuleOp> again;
  if (stage >= Stage::Plan && !placed)
    again = model->clone();
  int64_t fewest = fewestSlotBytes(*model);
  moving.slotBudget = std::max(moving.slotBudget, fewest);
  SLUICE_RETURN_IF_ERROR(runPasses(*model, options, stage, hooks, &moving));
  if (!again)
    return Status::ok();
  Taken taken = takenBy(*model);
  int64_t left = clampBytes(options.gpuMemory) - taken.device;
  if (taken.slots <= left || taken.slots <= fewest)
    return Status::ok();
  moving.slotBudget = std::max(left, fewest);
  model = std::move(again);
  return runPasses(*model, options, stage, hooks, &moving);
}

/// What recorded routing says, and `missed` of the decisions, as ops of the
/// module.
Status addStatistics(ModuleOp model, const CompileOptions &options,
                     const std::vector<std::vector<float>> &missed) {
  if (!options.routing)
    return Status::ok();
  model.getContext()->loadDialect<expert::ExpertDialect>();
  OpBuilder builder(model.getBodyRegion());
  for (const auto &[index, layer] : llvm::enumerate(*options.routing))
    for (auto bank : model.getOps<llm::ExpertBankOp>()) {
      if (static_cast<int64_t>(bank.getLayer()) != layer.layer)
        continue;
      std::vector<int32_t> successors(layer.successors.begin(),
                                      layer.successors.end());
      builder.setInsertionPointAfter(bank);
      expert::StatisticsOp::create(
          builder, bank.getLoc(), FlatSymbolRefAttr::get(bank.getSymNameAttr()),
          builder.getDenseF32ArrayAttr(layer.popularity),
          builder.getDenseI32ArrayAttr(successors),
          builder.getI64IntegerAttr(layer.successorCount),
          index < missed.size() ? builder.getDenseF32ArrayAttr(missed[index])
                                : DenseF32ArrayAttr());
    }
  return Status::ok();
}

/// Without a planner: what was asked for, and nothing clever.
ExpertDecisions plainDecisions(const CompileOptions &options) {
  constexpr double kEven = 0.5;
  ExpertDecisions decisions;
  if (options.experts != ExpertMode::Auto)
    decisions.mode = options.experts;
  decisions.hostShare = decisions.mode == ExpertMode::Host    ? 1
                        : decisions.mode == ExpertMode::Split ? kEven
                                                              : 0;
  return decisions;
}

Status addPolicy(ModuleOp plan, const CompileOptions &options,
                 const ExpertDecisions &decisions) {
  const auto &names = experts::kPolicyNames;
  auto found = std::find(names.begin(), names.end(), decisions.policy);
  if (found == names.end())
    return Status(ErrorCode::Internal,
                  "the planner chose the policy '" + decisions.policy +
                      "', which the runtime does not have");
  OpBuilder builder(plan.getBodyRegion());
  builder.setInsertionPointAfter(*plan.getOps<planir::ModelOp>().begin());
  planir::PolicyOp::create(
      builder, plan.getLoc(), found - names.begin(),
      options.schedule == ScheduleKind::Serial ? "serial"
                                               : name(decisions.mode),
      builder.getF32FloatAttr(static_cast<float>(decisions.predictedStepMs)));
  return Status::ok();
}

} // namespace

Result<CompiledModel> compileModel(OwningOpRef<ModuleOp> model,
                                   const CompileOptions &options, Stage stage,
                                   const CompileHooks &hooks) {
  CompiledModel result;
  bool hasExperts = !model->getOps<llm::ExpertBankOp>().empty();
  if (stage == Stage::Llm || !options.gpuMemory || !hasExperts) {
    SLUICE_RETURN_IF_ERROR(runPasses(*model, options, stage, hooks, nullptr));
    result.module = std::move(model);
    return result;
  }
  // What a plan takes is known only when its memory is planned.
  OwningOpRef<ModuleOp> trial(model->clone());
  SLUICE_RETURN_IF_ERROR(
      runPasses(*trial, options, Stage::Plan, hooks, nullptr));
  Taken taken = takenBy(*trial);
  int64_t budget = clampBytes(options.gpuMemory);
  if (taken.device + taken.slots <= budget) {
    if (stage == Stage::Expert)
      SLUICE_RETURN_IF_ERROR(runPasses(*model, options, stage, hooks, nullptr));
    result.module =
        stage == Stage::Expert ? std::move(model) : std::move(trial);
    return result;
  }

  ExpertSituation situation = describeSituation(*model, taken, options);
  MovingExperts moving;
  moving.decisions = plainDecisions(options);
  if (hooks.planner) {
    SLUICE_ASSIGN_OR_RETURN(moving.decisions, hooks.planner(situation));
  }
  moving.slotBudget = situation.slots * situation.slotBytes;
  SLUICE_RETURN_IF_ERROR(
      addStatistics(*model, options, moving.decisions.missed));
  SLUICE_RETURN_IF_ERROR(runMoving(model, options, stage, hooks, moving));
  if (stage >= Stage::Plan) {
    Taken dynamic = takenBy(*model);
    if (dynamic.device + dynamic.slots > budget &&
        dynamic.device + dynamic.slots > taken.device + taken.slots) {
      // Neither fits. Of a small model the static plan may take less: then its
      // bytes are the smallest budget that works.
      result.module = std::move(trial);
      return result;
    }
    SLUICE_RETURN_IF_ERROR(addPolicy(*model, options, moving.decisions));
  }
  result.module = std::move(model);
  result.dynamic = true;
  result.decisions = moving.decisions;
  return result;
}

} // namespace sluice
