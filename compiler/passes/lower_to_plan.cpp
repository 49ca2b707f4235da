//===- lower_to_plan.cpp - From tensors to launches on buffers ------------===//

#include "compiler/analysis/memory_table.h"
#include "compiler/passes/Passes.h"
#include "compiler/passes/entry_lowering.h"

#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "lower-to-plan"

namespace sluice {
#define GEN_PASS_DEF_LOWERTOPLAN
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;

namespace sluice {
namespace {

struct LowerToPlan : impl::LowerToPlanBase<LowerToPlan> {
  using LowerToPlanBase::LowerToPlanBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!llvm::hasSingleElement(module.getOps<llm::ModelOp>())) {
      module.emitError("needs one llm.model");
      return signalPassFailure();
    }
    unsigned bankCount = 0, launchCount = 0;
    SmallVector<Operation *> old;
    for (Operation &op : *module.getBody())
      old.push_back(&op);
    // @load of the expert dialect gives way to the plan's.
    func::FuncOp load = module.lookupSymbol<func::FuncOp>(expert::kLoad);
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (function != load)
        functions.push_back(function);

    if (load && load.isExternal()) {
      load.emitError("has no body");
      return signalPassFailure();
    }

    PlanBuilder plan(module);
    if (load)
      for (auto pin : load.getBody().front().getOps<expert::PinOp>()) {
        plan.pin(pin);
        ++bankCount;
      }
    for (func::FuncOp function : functions) {
      if (failed(EntryLowering(plan, function, portable).run()))
        return signalPassFailure();
    }
    // The order of a module's ops is free: a use may stand before its value.
    for (Operation *op : old)
      op->dropAllReferences();
    for (Operation *op : old)
      op->erase();
    if (failed(plan.finish()))
      return signalPassFailure();
    updateMemoryTable(module);
    for (auto entry : module.getOps<planir::EntryOp>())
      launchCount +=
          llvm::range_size(entry.getBody().front().getOps<planir::LaunchOp>());
    remark::passed(module.getLoc(),
                   remark::RemarkOpts::name("lowered").category(DEBUG_TYPE))
        << remark::metric("entries", functions.size())
        << remark::metric("launches", launchCount)
        << remark::metric("banks", bankCount);
    entries += functions.size();
    launches += launchCount;
    banks += bankCount;
  }
};

} // namespace
} // namespace sluice
