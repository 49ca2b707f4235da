//===- schedule_prefetch.cpp - Moves experts ahead of their layer ---------===//
//
// While the attention of a layer runs, the bus would be idle: nobody knows yet
// which experts that layer wants. The experts of the layer before are good
// evidence.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "schedule-prefetch"

namespace sluice {
#define GEN_PASS_DEF_SCHEDULEPREFETCH
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::expert;

namespace sluice {
namespace {

/// What one layer of an entry point does with its experts.
struct Layer {
  DemandOp demand; ///< The last part's.
  RunOp run;       ///< The last part's.
  FetchOp fetch;
};

struct SchedulePrefetch : impl::SchedulePrefetchBase<SchedulePrefetch> {
  using SchedulePrefetchBase::SchedulePrefetchBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (limit < 0) {
      module.emitError() << "the prefetch limit is "
                         << static_cast<int64_t>(limit)
                         << ", expected at least 0";
      return signalPassFailure();
    }
    SymbolTable symbols(module);
    unsigned made = 0, dropped = 0;
    for (auto function : module.getOps<func::FuncOp>()) {
      std::vector<Layer> layers;
      function.walk([&](CombineOp op) {
        Layer layer;
        for (Value outputs : op.getOutputs())
          if (auto run = outputs.getDefiningOp<RunOp>())
            layer.run = run;
        if (layer.run)
          if (auto await = layer.run.getSlots().getDefiningOp<AwaitOp>()) {
            layer.fetch = await.getTicket().getDefiningOp<FetchOp>();
            layer.demand = demandOf(layer.run.getSet());
          }
        if (layer.demand && layer.fetch)
          layers.push_back(layer);
      });
      for (size_t i = 1; i < layers.size(); ++i) {
        int64_t most = room(symbols, layers[i]);
        if (most < 1) {
          ++dropped;
          continue;
        }
        predict(layers[i - 1], layers[i], most);
        ++made;
      }
    }
    remark::passed(module.getLoc(),
                   remark::RemarkOpts::name("prefetches").category(DEBUG_TYPE))
        << remark::metric("prefetches", made)
        << remark::metric("without_room", dropped);
    prefetches += made;
  }

private:
  /// How many experts may come ahead: at most the limit, and never more than
  /// half of the slots, so that what is held and what is demanded next have
  /// room beside them.
  int64_t room(SymbolTable &symbols, Layer next) {
    auto pool = symbols.lookup<PoolOp>(next.fetch.getPoolAttr().getAttr());
    auto bank = symbols.lookup<llm::ExpertBankOp>(
        bankOf(next.demand.getSet()).getAttr());
    return std::min({static_cast<int64_t>(limit),
                     static_cast<int64_t>(pool.getSlots()) / 2,
                     static_cast<int64_t>(bank.getExperts())});
  }

  /// Right behind the run: the bus is free then, and the GPU busy until the
  /// next layer's router.
  void predict(Layer from, Layer to, int64_t most) {
    OpBuilder builder(from.run->getContext());
    builder.setInsertionPointAfter(from.run);
    Location loc = to.fetch.getLoc();
    auto set = PredictOp::create(builder, loc, to.demand.getSet().getType(),
                                 from.demand.getSet(), most);
    PrefetchOp::create(builder, loc, set, to.fetch.getPoolAttr());
  }
};

} // namespace
} // namespace sluice
