//===- merge_expert_io.cpp - One union of experts for all batches ---------===//
//
// The batches of a step share a layer's experts: where each brings its own, an
// expert that several chose moves several times. One demand of all rows moves
// it once and runs it once, for the rows of every batch together.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "merge-expert-io"

namespace sluice {
#define GEN_PASS_DEF_MERGEEXPERTIO
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::expert;

namespace sluice {
namespace {

/// One batch's way from its demand to its outputs.
struct Chain {
  DemandOp demand;
  FetchOp fetch;
  AwaitOp await;
  RunOp run;
  ReleaseOp release;
};

/// The chain that ends in `outputs`, if that is all there is to it.
std::optional<Chain> chainOf(Value outputs) {
  Chain chain;
  chain.run = outputs.getDefiningOp<RunOp>();
  if (!chain.run || !outputs.hasOneUse())
    return std::nullopt;
  chain.demand = chain.run.getSet().getDefiningOp<DemandOp>();
  chain.await = chain.run.getSlots().getDefiningOp<AwaitOp>();
  if (!chain.demand || !chain.await)
    return std::nullopt;
  chain.fetch = chain.await.getTicket().getDefiningOp<FetchOp>();
  for (Operation *user : chain.await.getSlots().getUsers())
    if (auto release = dyn_cast<ReleaseOp>(user))
      chain.release = release;
    else if (user != chain.run)
      return std::nullopt;
  for (Operation *user : chain.demand.getSet().getUsers())
    if (user != chain.fetch && user != chain.run)
      return std::nullopt;
  if (!chain.fetch || !chain.release ||
      chain.fetch.getSet() != chain.demand.getSet())
    return std::nullopt;
  return chain;
}

struct MergeExpertIo : impl::MergeExpertIoBase<MergeExpertIo> {
  using MergeExpertIoBase::MergeExpertIoBase;

  void runOnOperation() override {
    SmallVector<CombineOp> sums;
    getOperation().walk([&](CombineOp op) { sums.push_back(op); });
    for (CombineOp op : sums)
      merge(op);
    remark::passed(getOperation().getLoc(),
                   remark::RemarkOpts::name("unions").category(DEBUG_TYPE))
        << remark::metric("demands_before", before)
        << remark::metric("demands_after", after);
    demandsBefore += before;
    demandsAfter += after;
  }

private:
  void merge(CombineOp op) {
    SmallVector<Chain> chains;
    for (Value outputs : op.getOutputs()) {
      std::optional<Chain> chain = chainOf(outputs);
      if (!chain)
        return;
      chains.push_back(*chain);
    }
    Chain &first = chains.front();
    before += chains.size();
    after += chains.size();
    if (chains.size() < 2)
      return;
    for (Chain &chain : chains)
      if (chain.demand.getIds() != first.demand.getIds() ||
          chain.demand.getWhole() != first.demand.getWhole() ||
          chain.run.getIn() != first.run.getIn() ||
          chain.fetch.getPoolAttr() != first.fetch.getPoolAttr() ||
          chain.demand->getBlock() != op->getBlock())
        return;
    after -= chains.size() - 1;

    OpBuilder builder(op);
    Location loc = op.getLoc();
    FlatSymbolRefAttr bank = first.demand.getSet().getType().getBank();
    auto set = DemandOp::create(builder, loc, SetType::get(bank),
                                first.demand.getIds(), int64_t{0}, int64_t{1},
                                first.demand.getWhole());
    auto ticket = FetchOp::create(builder, loc, TicketType::get(bank), set,
                                  first.fetch.getPoolAttr());
    auto slots = AwaitOp::create(builder, loc, SlotsType::get(bank), ticket);
    auto run = RunOp::create(builder, loc, OutputsType::get(bank),
                             first.run.getIn(), set, slots);
    op.getOutputsMutable().assign(ValueRange(run.getOutputs()));
    builder.setInsertionPointAfter(op);
    ReleaseOp::create(builder, loc, slots, first.release.getForget());
    for (Chain &chain : chains) {
      chain.release.erase();
      chain.run.erase();
      chain.await.erase();
      chain.fetch.erase();
      chain.demand.erase();
    }
  }

  unsigned before = 0, after = 0;
};

} // namespace
} // namespace sluice
