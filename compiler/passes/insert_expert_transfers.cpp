//===- insert_expert_transfers.cpp - Moves experts to where they run ------===//
//
// Replaces llm.experts by expert ops. When the slots of all layers fit the
// budget, @load fetches every expert once and pins it; the entry points then
// name the slots by expert.resident, whose verifier checks the proof.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

#define DEBUG_TYPE "insert-expert-transfers"

namespace sluice {
#define GEN_PASS_DEF_INSERTEXPERTTRANSFERS
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::expert;

namespace sluice {
namespace {

/// Banks whose experts can share slots: one element type.
struct Group {
  SmallVector<llm::ExpertBankOp> banks;
  int64_t slotBytes = 0; ///< Of the largest expert.
  int64_t experts = 0;   ///< Of all banks together.
  int64_t widest = 0;    ///< Experts of the bank with the most.
  StringAttr pool;
};
using Groups = llvm::MapVector<Type, Group>;

struct InsertExpertTransfers
    : impl::InsertExpertTransfersBase<InsertExpertTransfers> {
  using InsertExpertTransfersBase::InsertExpertTransfersBase;

  void runOnOperation() override;

private:
  /// Makes the pools; false after an error.
  LogicalResult makePools(Groups &groups, bool resident);
  void makeLoad(Groups &groups);
  void expand(llm::ExpertsOp op, StringAttr pool, bool resident);

  // A release build of MLIR keeps no statistics; a remark is always there.
  unsigned poolCount = 0, pinnedCount = 0, fetchCount = 0;
};

/// Bytes that slots for `slots` experts take, or the largest number when that
/// overflows: no budget has room for it.
int64_t poolBytes(int64_t slots, int64_t slotBytes) {
  int64_t bytes;
  return __builtin_mul_overflow(slots, slotBytes, &bytes) ? INT64_MAX : bytes;
}

int64_t sum(int64_t a, int64_t b) {
  return a > INT64_MAX - b ? INT64_MAX : a + b;
}

LogicalResult InsertExpertTransfers::makePools(Groups &groups, bool resident) {
  ModuleOp module = getOperation();
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToEnd(module.getBody());
  // Without room for all, what is left after the widest layer of each group is
  // shared in proportion to the experts.
  int64_t least = 0, most = 0;
  for (auto &[dtype, group] : groups) {
    least = sum(least, poolBytes(group.widest, group.slotBytes));
    most = sum(most, poolBytes(group.experts, group.slotBytes));
  }
  if (least > budget)
    return module.emitError()
           << "the expert budget of " << static_cast<int64_t>(budget)
           << " bytes does not hold one layer's experts, which take " << least;
  double share =
      most > least ? double(budget - least) / double(most - least) : 0.0;
  for (auto &[dtype, group] : groups) {
    int64_t slots = group.experts;
    if (!resident)
      slots = group.widest + static_cast<int64_t>(
                                 share * double(group.experts - group.widest));
    std::string name = groups.size() == 1
                           ? "pool"
                           : "pool_" +
                                 std::to_string(dtype.getIntOrFloatBitWidth()) +
                                 (dtype.isBF16() ? "b" : "");
    auto pool = PoolOp::create(builder, module.getLoc(), name, dtype, slots,
                               group.slotBytes, budget);
    group.pool = pool.getSymNameAttr();
    ++poolCount;
  }
  return success();
}

void InsertExpertTransfers::makeLoad(Groups &groups) {
  ModuleOp module = getOperation();
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToEnd(module.getBody());
  auto load = func::FuncOp::create(builder, module.getLoc(), kLoad,
                                   builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(load.addEntryBlock());
  for (auto &[dtype, group] : groups) {
    int64_t first = 0;
    for (llm::ExpertBankOp bank : group.banks) {
      auto name = FlatSymbolRefAttr::get(bank.getSymNameAttr());
      Location loc = bank.getLoc();
      auto set = AllOp::create(builder, loc, SetType::get(name));
      auto ticket = FetchOp::create(builder, loc, TicketType::get(name), set,
                                    FlatSymbolRefAttr::get(group.pool));
      auto slots = AwaitOp::create(builder, loc, SlotsType::get(name), ticket);
      PinOp::create(builder, loc, slots, first);
      first += bank.getExperts();
      ++pinnedCount;
    }
  }
  func::ReturnOp::create(builder, module.getLoc());
}

void InsertExpertTransfers::expand(llm::ExpertsOp op, StringAttr pool,
                                   bool resident) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  FlatSymbolRefAttr bank = op.getBankAttr();
  auto set = DemandOp::create(builder, loc, SetType::get(bank), op.getIds());
  Value slots;
  if (resident) {
    slots = ResidentOp::create(builder, loc, SlotsType::get(bank));
  } else {
    auto ticket = FetchOp::create(builder, loc, TicketType::get(bank), set,
                                  FlatSymbolRefAttr::get(pool));
    slots = AwaitOp::create(builder, loc, SlotsType::get(bank), ticket);
    ++fetchCount;
  }
  auto run = RunOp::create(builder, loc, op.getOut().getType(), op.getIn(),
                           op.getWeights(), set, slots);
  if (!resident)
    ReleaseOp::create(builder, loc, slots);
  op.replaceAllUsesWith(run.getOut());
  op.erase();
}

void InsertExpertTransfers::runOnOperation() {
  ModuleOp module = getOperation();
  if (budget < 0) {
    module.emitError() << "the expert budget is "
                       << static_cast<int64_t>(budget)
                       << " bytes, expected at least 0";
    return signalPassFailure();
  }
  Groups groups;
  for (auto bank : module.getOps<llm::ExpertBankOp>()) {
    Group &group = groups[bank.getDtype()];
    group.banks.push_back(bank);
    group.slotBytes = std::max(group.slotBytes, slotLayout(bank).bytes);
    group.experts += bank.getExperts();
    group.widest = std::max<int64_t>(group.widest,
                                     static_cast<int64_t>(bank.getExperts()));
  }
  if (groups.empty())
    return;
  int64_t all = 0;
  for (auto &[dtype, group] : groups)
    all = sum(all, poolBytes(group.experts, group.slotBytes));
  bool resident = all <= budget;
  if (failed(makePools(groups, resident)))
    return signalPassFailure();
  if (resident)
    makeLoad(groups);

  llvm::DenseMap<StringAttr, StringAttr> poolOf;
  for (auto &[dtype, group] : groups)
    for (llm::ExpertBankOp bank : group.banks)
      poolOf[bank.getSymNameAttr()] = group.pool;
  WalkResult expanded = module.walk([&](llm::ExpertsOp op) {
    // A module within the module has banks of its own.
    if (op->getParentOfType<ModuleOp>() != module) {
      op.emitError("stands in a module of its own, which has no pool");
      return WalkResult::interrupt();
    }
    expand(op, poolOf.lookup(op.getBankAttr().getAttr()), resident);
    return WalkResult::advance();
  });
  if (expanded.wasInterrupted())
    return signalPassFailure();
  remark::passed(module.getLoc(),
                 remark::RemarkOpts::name("experts").category(DEBUG_TYPE))
      << remark::metric("pools", poolCount)
      << remark::metric("pinned", pinnedCount)
      << remark::metric("fetches", fetchCount);
  pools += poolCount;
  pinned += pinnedCount;
  fetches += fetchCount;
}

} // namespace
} // namespace sluice
