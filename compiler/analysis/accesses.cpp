//===- accesses.cpp - What an instruction reads and writes ----------------===//

#include "compiler/analysis/accesses.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {

void forEachAccess(Operation *op, AccessVisitor visit) {
  auto access = [&](Value value, bool reads, bool writes) {
    if (auto buffer = value.getDefiningOp<BufferOp>())
      visit(buffer, reads, writes);
  };
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    const Signature *signature =
        findSignature(std::string_view(launch.getKernel()));
    if (!signature)
      return;
    for (auto [operand, value] :
         llvm::zip(signature->operands, launch.getSignatureOperands()))
      if (value) {
        access(value, operand.access != Access::Write,
               operand.access != Access::Read);
        // Where kernels reach host memory, this is what they read.
        for (Operation *user : value.getUsers())
          if (auto join = dyn_cast<JoinOp>(user);
              join && join.getStaged() == value &&
              join->getBlock() == op->getBlock())
            access(join.getSource(), true, false);
      }
  } else if (auto copy = dyn_cast<CopyOp>(op)) {
    access(copy.getSource(), true, false);
    access(copy.getTarget(), false, true);
  } else if (auto fetch = dyn_cast<FetchOp>(op)) {
    access(fetch.getTarget(), false, true);
  } else if (auto run = dyn_cast<RunExpertsOp>(op)) {
    access(run.getIn(), true, false);
    access(run.getTablesHost(), true, false);
    access(run.getTables(), false, true);
    access(run.getInner(), false, true);
    // Later parts add their pairs to what is there.
    access(run.getOutputs(), run.getPart() > 0, true);
  } else if (auto join = dyn_cast<JoinOp>(op)) {
    access(join.getSource(), true, false);
    access(join.getSharesHost(), true, false);
    // Parts bring their own rows, and launches read all of them.
    access(join.getStaged(), join.getPart() > 0, true);
    access(join.getShares(), join.getPart() > 0, true);
  }
}

void forEachHostAccess(Operation *op, AccessVisitor visit) {
  auto access = [&](Value value, bool reads, bool writes) {
    if (auto buffer = value.getDefiningOp<BufferOp>())
      visit(buffer, reads, writes);
  };
  if (auto demand = dyn_cast<DemandOp>(op)) {
    access(demand.getIds(), true, false);
  } else if (auto run = dyn_cast<RunHostOp>(op)) {
    access(run.getIn(), true, false);
    access(run.getOutputs(), run.getPart() > 0, true);
  } else if (auto run = dyn_cast<RunExpertsOp>(op)) {
    access(run.getTablesHost(), false, true);
  } else if (auto join = dyn_cast<JoinOp>(op)) {
    access(join.getSharesHost(), false, true);
  }
}

std::optional<Stream> streamOf(Operation *op) {
  return TypeSwitch<Operation *, std::optional<Stream>>(op)
      .Case<LaunchOp, CopyOp, FetchOp, RecordOp, WaitOp>(
          [](auto instruction) { return instruction.getStream(); })
      .Case<RunExpertsOp, JoinOp>([](auto) { return Stream::Compute; })
      .Default(std::nullopt);
}

llvm::DenseSet<Operation *> persistentBuffers(ModuleOp module) {
  llvm::DenseSet<Operation *> buffers;
  auto add = [&](Value value) {
    if (Operation *op = value.getDefiningOp())
      buffers.insert(op);
  };
  for (Operation &op : *module.getBody()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      add(constant.getBuffer());
    } else if (auto rope = dyn_cast<RopeTableOp>(op)) {
      add(rope.getCos());
      add(rope.getSin());
    } else if (auto pool = dyn_cast<ExpertPoolOp>(op)) {
      add(pool.getBuffer());
      for (Value images : {pool.getHost(), pool.getBounce()})
        if (images)
          add(images);
    } else if (auto entry = dyn_cast<EntryOp>(op)) {
      for (Operation &instruction : entry.getBody().front())
        if (auto fetch = dyn_cast<planir::FetchOp>(instruction))
          add(fetch.getTarget());
        else if (isa<LaunchOp>(instruction))
          forEachAccess(&instruction,
                        [&](BufferOp buffer, bool reads, bool writes) {
                          if (reads && writes)
                            buffers.insert(buffer);
                        });
    }
  }
  return buffers;
}

} // namespace sluice
