//===- accesses.cpp - What an instruction reads and writes ----------------===//

#include "compiler/analysis/accesses.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {

void forEachAccess(Operation *op,
                   llvm::function_ref<void(BufferOp, bool, bool)> visit) {
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
      if (value)
        access(value, operand.access != Access::Write,
               operand.access != Access::Read);
  } else if (auto copy = dyn_cast<CopyOp>(op)) {
    access(copy.getSource(), true, false);
    access(copy.getTarget(), false, true);
  } else if (auto fetch = dyn_cast<FetchOp>(op)) {
    access(fetch.getTarget(), false, true);
  }
}

std::optional<Stream> streamOf(Operation *op) {
  return TypeSwitch<Operation *, std::optional<Stream>>(op)
      .Case<LaunchOp, CopyOp, FetchOp, RecordOp, WaitOp>(
          [](auto instruction) { return instruction.getStream(); })
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
    } else if (auto entry = dyn_cast<EntryOp>(op)) {
      for (Operation &instruction : entry.getBody().front())
        if (auto fetch = dyn_cast<planir::FetchOp>(instruction))
          add(fetch.getTarget());
        else
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
