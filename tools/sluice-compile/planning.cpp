//===- planning.cpp - The planner at work in a compile --------------------===//

#include "tools/sluice-compile/planning.h"

#include "compiler/analysis/batch_memory.h"
#include "compiler/analysis/host_room.h"
#include "compiler/analysis/model_shape.h"
#include "compiler/pipeline/complaints.h"
#include "compiler/pipeline/pipeline.h"
#include "dialects/llm/Llm.h"
#include "dialects/plan/PlanIr.h"
#include "runtime/experts/policy.h"
#include "runtime/io/file.h"
#include "tools/sluice-compile/placement.h"
#include "tools/sluice-compile/replayed_hits.h"

#include "mlir/IR/Builders.h"

#include <algorithm>

namespace sluice::tools {
namespace {

/// Further n that --batch auto compiles to know the most that fits.
constexpr int kMostLooks = 8;
/// Tokens of context that predictions assume: a short prompt and its answer.
constexpr int64_t kContext = 512;

Result<Hardware> readHardware(const std::string &path) {
  if (path.empty())
    return builtInHardware();
  SLUICE_ASSIGN_OR_RETURN(std::string text, readTextFile(path));
  return parseHardware(text, path);
}

/// The shapes of `model` once its ops are fused; `model` stays as it is.
Result<ModelShape> fusedShape(mlir::ModuleOp model,
                              const CompileOptions &options) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(model.clone());
  mlir::PassManager passes((*copy)->getName());
  SLUICE_RETURN_IF_ERROR(buildPipeline(passes, options, Stage::Llm));
  Complaints complaints(*model.getContext());
  if (failed(passes.run(*copy)))
    return complaints.status("a pass");
  return readModelShape(*copy,
                        options.arithmetic == ArithmeticChoice::Portable);
}

/// Memory of a plan in which every expert stays: without its slots.
struct Memory {
  double device = 0, host = 0;
};

Memory memoryBesideSlots(mlir::ModuleOp plan) {
  Memory memory;
  for (auto line : plan.getOps<planir::MemoryOp>()) {
    if (line.getName() == "expert slots")
      continue;
    const auto bytes = static_cast<double>(line.getBytes());
    (line.getMemory() == planir::Memory::Host ? memory.host : memory.device) +=
        bytes;
  }
  return memory;
}

/// Experts that fit what `budget` leaves; all of them without a budget.
int64_t expertsIn(std::optional<uint64_t> budget, double taken,
                  double expertBytes, int64_t experts) {
  if (!budget)
    return experts;
  const double left = static_cast<double>(*budget) - taken;
  if (left < 0)
    return -1;
  return static_cast<int64_t>(
      std::min(left / expertBytes, static_cast<double>(experts)));
}

} // namespace

Result<Planning> Planning::create(mlir::ModuleOp model,
                                  const CompileOptions &options) {
  Planning planning;
  SLUICE_ASSIGN_OR_RETURN(planning.shape, fusedShape(model, options));
  for (auto facts : model.getOps<llm::ModelOp>())
    planning.maxSeq = facts.getMaxPositions();
  SLUICE_ASSIGN_OR_RETURN(planning.hardware,
                          readHardware(options.hardwareFile));
  SLUICE_ASSIGN_OR_RETURN(
      planning.recorded,
      readRecordedRouting(options.routingFile, model, planning.shape));
  planning.uniform = uniformEvidence(planning.shape);
  return planning;
}

PlannerInputs Planning::inputs(const CompileOptions &options) const {
  PlannerInputs inputs;
  inputs.model = shape;
  inputs.hardware = &hardware;
  inputs.routing = recorded.statistics ? &recorded.likely : nullptr;
  inputs.evidence = recorded.statistics ? &recorded.evidence : nullptr;
  inputs.uniform = &uniform;
  inputs.mode = options.experts;
  inputs.split = isEnabled(options, "split-misses");
  inputs.schedule = options.schedule;
  inputs.context = std::min(kContext, options.maxSeq.value_or(kContext));
  inputs.prefetch = isEnabled(options, "schedule-prefetch");
  inputs.merged = isEnabled(options, "merge-expert-io");
  inputs.graphs = isEnabled(options, "form-graphs");
  return inputs;
}

Result<int64_t> Planning::chooseBatch(const CompileOptions &options,
                                      const Import &import) {
  if (shape.layers.empty()) {
    batchLines = {"batches n                1: there are no experts to share"};
    return 1;
  }
  const int64_t prefillRows =
      options.prefillRows.value_or(CompileOptions::kDefaultPrefillRows);
  BatchMemory device(maxSeq, prefillRows), host = device;
  auto look = [&](int64_t batch) -> Status {
    CompileOptions trial = options;
    trial.batch = batch;
    trial.prefillRows = device.prefillRows();
    trial.gpuMemory.reset();
    trial.hostMemory.reset();
    SLUICE_ASSIGN_OR_RETURN(auto model, import(trial));
    SLUICE_ASSIGN_OR_RETURN(CompiledModel compiled,
                            compileModel(std::move(model), trial, Stage::Plan));
    const Memory memory = memoryBesideSlots(*compiled.module);
    device.add(batch, memory.device);
    host.add(batch, memory.host);
    return Status::ok();
  };
  for (int64_t batch : device.trials())
    SLUICE_RETURN_IF_ERROR(look(batch));
  const auto bytes = static_cast<double>(shape.layers.front().expertBytes);
  const int64_t experts = shape.experts();
  RoomOf room = [&](int64_t batch) -> std::optional<ExpertRoom> {
    ExpertRoom found;
    found.slots =
        expertsIn(options.gpuMemory, device.at(batch), bytes, experts);
    const int64_t images =
        expertsIn(options.hostMemory, host.at(batch), bytes, experts);
    // A layer of one batch should fit at least, and where the disk has some of
    // those that move its ring.
    const bool placed = isEnabled(options, "place-experts");
    const int64_t ring = placed && found.slots < experts ? kLeastRing : 0;
    if (found.slots < shape.layers.front().topK ||
        images < std::min(ring, experts))
      return std::nullopt;
    found.hostExperts = expertsOnHost(images, experts, placed);
    return found;
  };
  BatchLimit limit{prefillRows};
  if (limit.batches > CompileOptions::kMaxBatch)
    limit = {CompileOptions::kMaxBatch, "--batch"};
  // What is said to be the most that fits is looked at, until that is so.
  int64_t fits = mostThatFits(room, limit.batches);
  for (int i = 0; i < kMostLooks && fits > 0 && !device.isKnown(fits); ++i) {
    SLUICE_RETURN_IF_ERROR(look(fits));
    fits = mostThatFits(room, limit.batches);
  }
  std::optional<BatchChoice> choice =
      chooseBatches(inputs(options), room, limit);
  if (!choice) {
    batchLines = {"batches n                1: no room for more"};
    return 1;
  }
  batchLines = choice->lines;
  return choice->batch;
}

Result<ExpertDecisions> Planning::decide(const ExpertSituation &situation,
                                         const CompileOptions &options) {
  report = sluice::decide(inputs(options), options.batch,
                          {situation.slots, situation.hostExperts});
  return report->decisions;
}

std::string Planning::finish(mlir::ModuleOp plan,
                             const CompileOptions &options) {
  if (!report) {
    report = sluice::decide(inputs(options), options.batch,
                            {shape.experts(), shape.experts()});
    mlir::OpBuilder builder(plan.getBodyRegion());
    auto models = plan.getOps<planir::ModelOp>();
    if (plan.getOps<planir::PolicyOp>().empty() && !models.empty()) {
      builder.setInsertionPointAfter(*models.begin());
      planir::PolicyOp::create(builder, plan.getLoc(), experts::kDefaultPolicy,
                               "resident",
                               builder.getF32FloatAttr(static_cast<float>(
                                   report->decisions.predictedStepMs)));
    }
  }
  std::string text = "\nschedule\n";
  if (batchLines.empty())
    text += "batches n                " + std::to_string(options.batch) + "\n";
  for (const std::string &line : batchLines)
    text += line + "\n";
  if (!report->plan.resident)
    text += describePlacement(plan);
  for (const std::string &line : report->lines)
    text += line + "\n";
  for (auto model : plan.getOps<planir::ModelOp>())
    text += "configuration            " + model.getOptions().str() + "\n";
  return text;
}

} // namespace sluice::tools
