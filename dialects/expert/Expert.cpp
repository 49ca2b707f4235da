//===- Expert.cpp - The expert dialect and its verifiers ------------------===//

#include "dialects/expert/Expert.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;

#include "dialects/expert/ExpertOpsDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/expert/ExpertOpsTypes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/expert/ExpertOps.cpp.inc"

namespace sluice::expert {
namespace {

constexpr int64_t kSlotAlignment = 256;

/// The bank a type names, or null after an error.
llm::ExpertBankOp lookupBank(Operation *op, SymbolTableCollection &tables,
                             FlatSymbolRefAttr name) {
  auto bank = tables.lookupNearestSymbolFrom<llm::ExpertBankOp>(op, name);
  if (!bank)
    op->emitOpError() << name << " is not an llm.expert_bank";
  return bank;
}

bool isInLoad(Operation *op) {
  auto function = op->getParentOfType<func::FuncOp>();
  return function && function.getSymName() == kLoad;
}

/// An expert of the set's bank has room in a slot of the pool.
LogicalResult verifyFits(Operation *op, SymbolTableCollection &tables,
                         Value set, FlatSymbolRefAttr poolName) {
  auto bank = lookupBank(op, tables, bankOf(set));
  auto pool = tables.lookupNearestSymbolFrom<PoolOp>(op, poolName);
  if (!pool)
    return op->emitOpError() << poolName << " is not an expert.pool";
  if (!bank)
    return failure();
  if (bank.getDtype() != pool.getDtype())
    return op->emitOpError()
           << "brings " << bank.getDtype() << " experts into a "
           << pool.getDtype() << " pool";
  int64_t bytes = slotLayout(bank).bytes;
  if (bytes > static_cast<int64_t>(pool.getSlotBytes()))
    return op->emitOpError()
           << "an expert of " << bytes << " bytes does not fit a slot of "
           << pool.getSlotBytes();
  return success();
}

/// The rows are what the bank's experts take.
LogicalResult verifyInput(Operation *op, SymbolTableCollection &tables,
                          Value in, Value set) {
  auto bank = lookupBank(op, tables, bankOf(set));
  if (!bank)
    return failure();
  int64_t hidden = cast<RankedTensorType>(in.getType()).getDimSize(1);
  if (hidden != static_cast<int64_t>(bank.getHidden()))
    return op->emitOpError()
           << "rows have " << hidden << " features, the bank's experts take "
           << bank.getHidden();
  return success();
}

} // namespace

DemandOp demandOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto demand = dyn_cast<DemandOp>(op))
      return demand;
    if (auto run = dyn_cast<RunOp>(op))
      value = run.getSet();
    else if (auto run = dyn_cast<RunHostOp>(op))
      value = run.getSet();
    else if (auto split = dyn_cast<SplitOp>(op))
      value = split.getSet();
    else
      break;
  }
  return {};
}

FlatSymbolRefAttr bankOf(Value value) {
  return TypeSwitch<Type, FlatSymbolRefAttr>(value.getType())
      .Case<SetType, TicketType, SlotsType, OutputsType>(
          [](auto type) { return type.getBank(); });
}

SlotLayout slotLayout(llm::ExpertBankOp bank) {
  int64_t part = llvm::alignTo(bank.getMatrixBytes(), kSlotAlignment);
  return {0, part, 2 * part, 3 * part};
}

void ExpertDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/expert/ExpertOpsTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/expert/ExpertOps.cpp.inc"
      >();
}

LogicalResult PoolOp::verify() {
  if (!llm::isWeightType(getDtype()))
    return emitOpError() << "dtype is " << getDtype()
                         << ", expected bf16, f16 or f32";
  if (getSlotBytes() % kSlotAlignment != 0)
    return emitOpError() << "slot_bytes is " << getSlotBytes()
                         << ", expected a multiple of " << kSlotAlignment;
  int64_t total = 0;
  for (auto pool : (*this)->getParentOfType<ModuleOp>().getOps<PoolOp>()) {
    int64_t bytes;
    if (__builtin_mul_overflow(static_cast<int64_t>(pool.getSlots()),
                               static_cast<int64_t>(pool.getSlotBytes()),
                               &bytes) ||
        __builtin_add_overflow(total, bytes, &total))
      return emitOpError("is larger than 2^63 bytes");
  }
  if (total > static_cast<int64_t>(getBudget()))
    return emitOpError() << "the module's pools take " << total
                         << " bytes, more than the budget of " << getBudget();
  return success();
}

LogicalResult StatisticsOp::verify() {
  const auto areFine = [](ArrayRef<float> values) {
    return llvm::all_of(
        values, [](float value) { return value >= 0 && !std::isinf(value); });
  };
  if (!areFine(getPopularity()))
    return emitOpError("popularity has a number that is not finite and at "
                       "least 0");
  if (getMissed() && !areFine(*getMissed()))
    return emitOpError("missed has a number that is not finite and at least 0");
  int64_t count = getSuccessorCount();
  int64_t experts = getPopularity().size();
  if (getMissed() && static_cast<int64_t>(getMissed()->size()) != experts)
    return emitOpError() << "says of " << getMissed()->size() << " of "
                         << experts << " experts how often they are missed";
  if (count > experts)
    return emitOpError() << "names " << count << " successors of " << experts
                         << " experts";
  if (count == 0
          ? !getSuccessors().empty()
          : getSuccessors().empty() || getSuccessors().size() % count != 0)
    return emitOpError() << "has " << getSuccessors().size()
                         << " successors, expected " << count
                         << " for each expert of the layer before";
  for (int32_t expert : getSuccessors())
    if (expert < 0 || expert >= experts)
      return emitOpError() << "has successor " << expert << " of " << experts
                           << " experts";
  return success();
}

LogicalResult StatisticsOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto bank = lookupBank(*this, tables, getBankAttr());
  if (!bank)
    return failure();
  if (getPopularity().size() != bank.getExperts())
    return emitOpError() << "has the popularity of " << getPopularity().size()
                         << " experts, the bank has " << bank.getExperts();
  return success();
}

void DemandOp::build(OpBuilder &builder, OperationState &state, Type set,
                     Value ids, int64_t part, int64_t parts, bool whole) {
  build(builder, state, set, ids, builder.getI64IntegerAttr(part),
        builder.getI64IntegerAttr(parts),
        whole ? builder.getUnitAttr() : UnitAttr());
}

LogicalResult DemandOp::verify() {
  if (getPart() < getParts())
    return success();
  return emitOpError() << "is part " << getPart() << " of " << getParts();
}

LogicalResult DemandOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto bank = lookupBank(*this, tables, getSet().getType().getBank());
  if (!bank)
    return failure();
  int64_t topK = cast<RankedTensorType>(getIds().getType()).getDimSize(1);
  if (topK < 1 || topK > static_cast<int64_t>(bank.getExperts()))
    return emitOpError() << "chooses " << topK << " of " << bank.getExperts()
                         << " experts";
  return success();
}

LogicalResult AllOp::verifySymbolUses(SymbolTableCollection &tables) {
  return success(lookupBank(*this, tables, getSet().getType().getBank()));
}

LogicalResult FetchOp::verify() {
  if (getTicket().hasOneUse() && isa<AwaitOp>(*getTicket().getUsers().begin()))
    return success();
  return emitOpError("ticket must be awaited exactly once");
}

LogicalResult FetchOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyFits(*this, tables, getSet(), getPoolAttr());
}

LogicalResult AwaitOp::verify() {
  Operation *end = nullptr;
  for (Operation *user : getSlots().getUsers())
    if (isa<ReleaseOp, PinOp>(user)) {
      if (end)
        return emitOpError("slots are released or pinned twice");
      end = user;
    }
  if (!end)
    return emitOpError("slots are neither released nor pinned");
  for (Operation *user : getSlots().getUsers())
    if (user != end && (user->getBlock() != end->getBlock() ||
                        (isa<ReleaseOp>(end) && end->isBeforeInBlock(user))))
      return emitOpError("slots are used after their release");
  return success();
}

LogicalResult SplitOp::verify() {
  double share = getShare().convertToDouble();
  if (!(share >= 0 && share <= 1))
    return emitOpError() << "share is " << share << ", expected 0 to 1";
  return success();
}

LogicalResult SplitOp::verifySymbolUses(SymbolTableCollection &tables) {
  return success(lookupBank(*this, tables, getSet().getType().getBank()));
}

LogicalResult PredictOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto bank = lookupBank(*this, tables, getSet().getType().getBank());
  if (!bank || !lookupBank(*this, tables, getEvidence().getType().getBank()))
    return failure();
  if (getLimit() > bank.getExperts())
    return emitOpError() << "predicts up to " << getLimit() << " of "
                         << bank.getExperts() << " experts";
  return success();
}

LogicalResult PrefetchOp::verify() {
  if (getSet().getDefiningOp<PredictOp>())
    return success();
  return emitOpError("needs experts that were predicted: others have a ticket");
}

LogicalResult PrefetchOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyFits(*this, tables, getSet(), getPoolAttr());
}

LogicalResult RunOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyInput(*this, tables, getIn(), getSet());
}

LogicalResult RunHostOp::verify() {
  auto split = getSet().getDefiningOp<SplitOp>();
  if (split && split.getHost() == getSet())
    return success();
  return emitOpError("needs the host's part of an expert.split");
}

LogicalResult RunHostOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyInput(*this, tables, getIn(), getSet());
}

LogicalResult CombineOp::verify() {
  if (getOutputs().empty())
    return emitOpError("has no outputs");
  FlatSymbolRefAttr bank = bankOf(getOutputs().front());
  for (Value outputs : getOutputs())
    if (bankOf(outputs) != bank)
      return emitOpError() << "mixes outputs of " << bank << " and "
                           << bankOf(outputs);
  // All demands behind the outputs divide one step between them.
  SmallVector<bool> parts;
  auto weights = cast<RankedTensorType>(getWeights().getType());
  for (Value outputs : getOutputs()) {
    DemandOp demand = demandOf(outputs);
    if (!demand)
      return success(); // Outputs of a function's argument: nothing is known.
    if (cast<RankedTensorType>(demand.getIds().getType()).getShape() !=
        weights.getShape())
      return emitOpError() << "weights are " << weights << " for ids of "
                           << demand.getIds().getType();
    if (parts.empty())
      parts.resize(demand.getParts());
    if (parts.size() != demand.getParts())
      return emitOpError() << "sums parts of " << parts.size() << " and of "
                           << demand.getParts();
    parts[demand.getPart()] = true;
  }
  for (auto [part, found] : llvm::enumerate(parts))
    if (!found)
      return emitOpError() << "lacks part " << part << " of " << parts.size();
  return success();
}

LogicalResult CombineOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto bank = lookupBank(*this, tables, bankOf(getOutputs().front()));
  if (!bank)
    return failure();
  int64_t hidden = cast<RankedTensorType>(getOut().getType()).getDimSize(1);
  if (hidden != static_cast<int64_t>(bank.getHidden()))
    return emitOpError() << "gives rows of " << hidden
                         << " features, the bank's experts give "
                         << bank.getHidden();
  return success();
}

LogicalResult ReleaseOp::verify() {
  if (getSlots().getDefiningOp<ResidentOp>())
    return emitOpError("releases resident slots");
  return success();
}

FetchOp PinOp::getFetch() {
  auto await = getSlots().getDefiningOp<AwaitOp>();
  return await ? await.getTicket().getDefiningOp<FetchOp>() : FetchOp();
}

LogicalResult PinOp::verify() {
  if (!isInLoad(*this))
    return emitOpError() << "stands outside @" << kLoad;
  FetchOp fetch = getFetch();
  if (!fetch || !fetch.getSet().getDefiningOp<AllOp>())
    return emitOpError("needs slots that were fetched from expert.all");
  return success();
}

LogicalResult PinOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto bank = lookupBank(*this, tables, getSlots().getType().getBank());
  FetchOp fetch = getFetch();
  if (!bank || !fetch)
    return failure();
  auto pool =
      tables.lookupNearestSymbolFrom<PoolOp>(*this, fetch.getPoolAttr());
  if (!pool)
    return failure();
  int64_t first = getFirst(), end;
  if (__builtin_add_overflow(first, static_cast<int64_t>(bank.getExperts()),
                             &end) ||
      end > static_cast<int64_t>(pool.getSlots()))
    return emitOpError() << "needs slots " << first << " to "
                         << first + bank.getExperts() - 1 << " of a pool of "
                         << pool.getSlots();
  // Pins of one pool come in the order of their slots; comparing neighbours
  // keeps the check linear.
  for (Operation *op = (*this)->getPrevNode(); op; op = op->getPrevNode()) {
    auto before = dyn_cast<PinOp>(op);
    if (!before || !before.getFetch() ||
        before.getFetch().getPoolAttr() != fetch.getPoolAttr())
      continue;
    auto other =
        lookupBank(*this, tables, before.getSlots().getType().getBank());
    if (!other)
      return failure();
    if (static_cast<int64_t>(before.getFirst() + other.getExperts()) > first)
      return emitOpError() << "starts at slot " << first << ", but "
                           << other.getSymNameAttr() << " is pinned up to slot "
                           << before.getFirst() + other.getExperts() - 1;
    break;
  }
  return success();
}

LogicalResult ResidentOp::verifySymbolUses(SymbolTableCollection &tables) {
  FlatSymbolRefAttr bank = getSlots().getType().getBank();
  if (!lookupBank(*this, tables, bank))
    return failure();
  auto load = tables.lookupNearestSymbolFrom<func::FuncOp>(
      *this, StringAttr::get(getContext(), kLoad));
  if (load && !load.isExternal())
    for (auto pin : load.getBody().front().getOps<PinOp>())
      if (pin.getSlots().getType().getBank() == bank)
        return success();
  return emitOpError() << "@" << kLoad << " does not pin " << bank;
}

} // namespace sluice::expert
