//===- insert_expert_transfers.cpp - Moves experts to where they run ------===//
//
// Replaces llm.experts by expert ops. When the slots of all layers fit the
// budget, @load fetches every expert once and pins it; the entry points then
// name the slots by expert.resident, whose verifier checks the proof. Otherwise
// each batch of a step gets a chain of its own that brings its experts.
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
  /// Batches of the entry point that an op stands in, at most `max-parts`.
  int64_t partsOf(llm::ExpertsOp op);

  // A release build of MLIR keeps no statistics; a remark is always there.
  unsigned poolCount = 0, pinnedCount = 0, fetchCount = 0;
  int64_t batches = 1; ///< The most that an entry point has.
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
  // Without room for all, what is left after the fewest slots that work is
  // shared in proportion to the experts.
  int64_t least = 0, most = 0;
  for (auto &[dtype, group] : groups) {
    least = sum(least, poolBytes(kMinimumSlots, group.slotBytes));
    most = sum(most, poolBytes(group.experts, group.slotBytes));
  }
  if (!resident && least > budget)
    return module.emitError()
           << "the expert budget of " << static_cast<int64_t>(budget)
           << " bytes does not hold " << kMinimumSlots
           << " experts at a time, which take " << least;
  double share =
      most > least ? double(budget - least) / double(most - least) : 0.0;
  for (auto &[dtype, group] : groups) {
    int64_t slots = group.experts;
    if (!resident)
      slots = kMinimumSlots +
              std::max<int64_t>(
                  0, static_cast<int64_t>(
                         share * double(group.experts - kMinimumSlots)));
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

int64_t InsertExpertTransfers::partsOf(llm::ExpertsOp op) {
  auto function = op->getParentOfType<func::FuncOp>();
  auto limit = function
                   ? function->getAttrOfType<IntegerAttr>(llm::kMaxLogitRows)
                   : IntegerAttr();
  int64_t parts = limit ? std::max<int64_t>(1, limit.getInt()) : 1;
  batches = std::max(batches, parts);
  return std::min<int64_t>(parts, maxParts);
}

void InsertExpertTransfers::expand(llm::ExpertsOp op, StringAttr pool,
                                   bool resident) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  FlatSymbolRefAttr bank = op.getBankAttr();
  int64_t parts = resident ? 1 : partsOf(op);
  SmallVector<Value> outputs;
  Value slots;
  for (int64_t part = 0; part < parts; ++part) {
    auto set = DemandOp::create(builder, loc, SetType::get(bank), op.getIds(),
                                part, parts, !resident && serial);
    if (resident) {
      slots = ResidentOp::create(builder, loc, SlotsType::get(bank));
    } else {
      auto ticket = FetchOp::create(builder, loc, TicketType::get(bank), set,
                                    FlatSymbolRefAttr::get(pool));
      slots = AwaitOp::create(builder, loc, SlotsType::get(bank), ticket);
      ++fetchCount;
    }
    outputs.push_back(RunOp::create(builder, loc, OutputsType::get(bank),
                                    op.getIn(), set, slots));
    // The slots of the last part stay until the sum is made.
    if (!resident && part + 1 < parts)
      ReleaseOp::create(builder, loc, slots, serial);
  }
  auto combine = CombineOp::create(builder, loc, op.getOut().getType(),
                                   op.getWeights(), outputs);
  if (!resident)
    ReleaseOp::create(builder, loc, slots, serial);
  op.replaceAllUsesWith(combine.getOut());
  op.erase();
}

void InsertExpertTransfers::runOnOperation() {
  ModuleOp module = getOperation();
  if (budget < 0 || maxParts < 1) {
    module.emitError() << "the expert budget is "
                       << static_cast<int64_t>(budget) << " bytes for at most "
                       << static_cast<int64_t>(maxParts)
                       << " parts, expected at least 0 for at least 1";
    return signalPassFailure();
  }
  Groups groups;
  for (auto bank : module.getOps<llm::ExpertBankOp>()) {
    Group &group = groups[bank.getDtype()];
    group.banks.push_back(bank);
    group.slotBytes = std::max(group.slotBytes, slotLayout(bank).bytes);
    group.experts += bank.getExperts();
  }
  if (groups.empty())
    return;
  int64_t all = 0;
  for (auto &[dtype, group] : groups)
    all = sum(all, poolBytes(group.experts, group.slotBytes));
  bool resident = all <= budget && !dynamic;
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
  if (batches > maxParts)
    remark::missed(module.getLoc(),
                   remark::RemarkOpts::name("parts").category(DEBUG_TYPE))
        << remark::metric("batches", batches)
        << remark::metric("parts", static_cast<int64_t>(maxParts));
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
