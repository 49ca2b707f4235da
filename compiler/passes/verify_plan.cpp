//===- verify_plan.cpp - A race detector at compile time ------------------===//
//
// Hands each entry to the race detector that the runtime's verifier uses too
// (runtime/plan/hazards.h), and reports what it finds at the op.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/accesses.h"
#include "compiler/passes/Passes.h"
#include "runtime/plan/hazards.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "verify-plan"

namespace sluice {
#define GEN_PASS_DEF_VERIFYPLAN
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

/// Names of all buffers, in the order of the schedule's.
struct Buffers {
  explicit Buffers(ModuleOp module) {
    for (auto arena : module.getOps<ArenaOp>())
      arenas[arena] = arenas.size();
    for (auto buffer : module.getOps<BufferOp>()) {
      index[buffer] = all.size();
      all.push_back(buffer);
    }
  }
  llvm::DenseMap<Operation *, uint32_t> arenas, index;
  SmallVector<BufferOp> all;
};

class EntrySchedule {
public:
  EntrySchedule(EntryOp entry, Buffers &buffers,
                const llvm::DenseSet<Operation *> &persistent);

  LogicalResult check();
  size_t accessCount() const { return schedule.accesses.size(); }

private:
  void add(BufferOp buffer, bool reads, bool writes);
  /// What the host does for an instruction.
  plan::HazardStep &addStep(Operation &op, plan::HazardStep::Kind kind);

  EntryOp entry;
  Buffers &buffers;
  plan::Schedule schedule;
  SmallVector<Operation *> steps;
};

EntrySchedule::EntrySchedule(EntryOp entry, Buffers &buffers,
                             const llvm::DenseSet<Operation *> &persistent)
    : entry(entry), buffers(buffers) {
  for (BufferOp buffer : buffers.all) {
    plan::HazardBuffer &range = schedule.buffers.emplace_back();
    range.arena = buffers.arenas.lookup(buffer.getArenaOp());
    range.offset = buffer.getOffset();
    range.bytes = buffer.getBytes();
    range.preset = range.kept = persistent.contains(buffer);
  }
  auto buffer = [&](Value value) -> plan::HazardBuffer & {
    return schedule.buffers[buffers.index.lookup(value.getDefiningOp())];
  };
  llvm::DenseMap<Value, uint32_t> events;
  for (Operation &op : entry.getBody().front()) {
    if (auto input = dyn_cast<InputOp>(op)) {
      buffer(input.getBuffer()).preset = true;
      continue;
    }
    if (auto output = dyn_cast<OutputOp>(op)) {
      buffer(output.getBuffer()).kept = true;
      continue;
    }
    using Kind = plan::HazardStep::Kind;
    if (auto demand = dyn_cast<DemandOp>(op))
      addStep(op, Kind::HostWait).event = events.lookup(demand.getEvent());
    else if (isa<RunHostOp>(op))
      addStep(op, Kind::HostWork);
    else if (isa<RunExpertsOp, JoinOp>(op))
      addStep(op, Kind::Host);
    if (isa<JoinOp>(op)) {
      plan::HazardStep &join = schedule.steps.emplace_back();
      steps.push_back(&op);
      join.kind = Kind::Join;
      join.stream = static_cast<uint8_t>(Stream::Compute);
      join.firstAccess = schedule.accesses.size();
    }
    std::optional<Stream> stream = streamOf(&op);
    if (!stream)
      continue;
    plan::HazardStep &step = schedule.steps.emplace_back();
    steps.push_back(&op);
    step.stream = static_cast<uint8_t>(*stream);
    step.firstAccess = schedule.accesses.size();
    if (auto record = dyn_cast<RecordOp>(op)) {
      step.kind = Kind::Record;
      step.event = events[record.getEvent()] = schedule.events++;
    } else if (auto wait = dyn_cast<WaitOp>(op)) {
      step.kind = Kind::Wait;
      step.event = events.lookup(wait.getEvent());
    } else {
      forEachAccess(&op, [this](BufferOp buffer, bool reads, bool writes) {
        add(buffer, reads, writes);
      });
      step.accessCount = schedule.accesses.size() - step.firstAccess;
    }
    // @load brings what other entries find there.
    if (auto fetch = dyn_cast<planir::FetchOp>(op))
      buffer(fetch.getTarget()).preset = buffer(fetch.getTarget()).kept = false;
  }
}

void EntrySchedule::add(BufferOp buffer, bool reads, bool writes) {
  plan::HazardAccess access;
  access.buffer = buffers.index.lookup(buffer);
  access.bytes = buffer.getBytes();
  access.reads = reads;
  access.writes = writes;
  schedule.accesses.push_back(access);
}

plan::HazardStep &EntrySchedule::addStep(Operation &op,
                                         plan::HazardStep::Kind kind) {
  plan::HazardStep &step = schedule.steps.emplace_back();
  steps.push_back(&op);
  step.kind = kind;
  step.firstAccess = schedule.accesses.size();
  forEachHostAccess(&op, [this](BufferOp buffer, bool reads, bool writes) {
    add(buffer, reads, writes);
  });
  step.accessCount = schedule.accesses.size() - step.firstAccess;
  return step;
}

LogicalResult EntrySchedule::check() {
  std::optional<plan::Hazard> hazard = plan::findHazard(schedule);
  if (!hazard)
    return success();
  bool atStep = hazard->step != plan::kNoStep;
  Operation *op = atStep ? steps[hazard->step] : entry.getOperation();
  auto name = [&](uint32_t buffer) { return buffers.all[buffer].getName(); };
  InFlightDiagnostic error = op->emitError();
  if (atStep)
    error << plan::describe(hazard->kind) << ": '" << name(hazard->buffer)
          << "'";
  else
    error << "buffer '" << name(hazard->buffer) << "' "
          << plan::describe(hazard->kind);
  if (hazard->otherBuffer != hazard->buffer)
    error << (atStep ? " and '" : ": '") << name(hazard->otherBuffer) << "'";
  if (hazard->other != plan::kNoStep && hazard->other != hazard->step)
    error.attachNote(steps[hazard->other]->getLoc()) << "the other access";
  return error;
}

struct VerifyPlan : impl::VerifyPlanBase<VerifyPlan> {
  using VerifyPlanBase::VerifyPlanBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Buffers buffers(module);
    llvm::DenseSet<Operation *> persistent = persistentBuffers(module);
    for (auto entry : module.getOps<EntryOp>()) {
      EntrySchedule schedule(entry, buffers, persistent);
      if (failed(schedule.check()))
        return signalPassFailure();
      accesses += schedule.accessCount();
      remark::passed(entry.getLoc(),
                     remark::RemarkOpts::name("proved").category(DEBUG_TYPE))
          << remark::metric("entry", entry.getSymName())
          << remark::metric("accesses", schedule.accessCount());
    }
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace sluice
