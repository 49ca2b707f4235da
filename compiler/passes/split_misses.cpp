//===- split_misses.cpp - Shares misses between bus and CPU ---------------===//
//
// A missing expert can be brought to the GPU, or the CPU can compute it where
// it lies. Doing both at once is faster than either.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "split-misses"

namespace sluice {
#define GEN_PASS_DEF_SPLITMISSES
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::expert;

namespace sluice {
namespace {

struct SplitMisses : impl::SplitMissesBase<SplitMisses> {
  using SplitMissesBase::SplitMissesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!(share >= 0 && share <= 1)) {
      module.emitError() << "the share of the CPU is "
                         << static_cast<double>(share) << ", expected 0 to 1";
      return signalPassFailure();
    }
    unsigned divided = 0, whole = 0;
    if (share > 0)
      for (auto function : module.getOps<func::FuncOp>()) {
        // A prefill's experts have many rows each and may use the tensor
        // cores, whose bits the CPU cannot give.
        if (function.isExternal() || function.getSymName() == "prefill")
          continue;
        SmallVector<CombineOp> sums;
        function.walk([&](CombineOp op) { sums.push_back(op); });
        for (CombineOp op : sums)
          ++(divide(op) ? divided : whole);
      }
    remark::passed(module.getLoc(),
                   remark::RemarkOpts::name("misses").category(DEBUG_TYPE))
        << remark::metric("splits", divided)
        << remark::metric("undivided", whole);
    splits += divided;
  }

private:
  /// Divides the set behind a sum, where one demand stands for all rows: the
  /// CPU has one job at a time.
  bool divide(CombineOp op) {
    if (op.getOutputs().size() != 1)
      return false;
    auto run = op.getOutputs().front().getDefiningOp<RunOp>();
    auto demand = run ? run.getSet().getDefiningOp<DemandOp>() : DemandOp();
    auto await = run ? run.getSlots().getDefiningOp<AwaitOp>() : AwaitOp();
    auto fetch = await ? await.getTicket().getDefiningOp<FetchOp>() : FetchOp();
    if (!demand || !fetch || demand.getParts() != 1 || demand.getWhole() ||
        fetch.getSet() != demand.getSet())
      return false;
    OpBuilder builder(demand->getContext());
    builder.setInsertionPointAfter(demand);
    auto split =
        SplitOp::create(builder, demand.getLoc(), demand.getSet().getType(),
                        demand.getSet().getType(), demand.getSet(),
                        builder.getF32FloatAttr(static_cast<float>(share)));
    fetch.getSetMutable().assign(split.getFetched());
    run.getSetMutable().assign(split.getFetched());
    // The CPU starts as soon as the copies are on their way.
    builder.setInsertionPointAfter(fetch);
    auto host =
        RunHostOp::create(builder, run.getLoc(),
                          OutputsType::get(demand.getSet().getType().getBank()),
                          run.getIn(), split.getHost());
    op.getOutputsMutable().append(host.getOutputs());
    for (Operation *user : await.getSlots().getUsers())
      if (isa<ReleaseOp>(user) && user->isBeforeInBlock(op))
        user->moveAfter(op);
    return true;
  }
};

} // namespace
} // namespace sluice
