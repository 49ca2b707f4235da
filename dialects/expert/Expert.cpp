//===- Expert.cpp - The expert dialect and its verifiers ------------------===//

#include "dialects/expert/Expert.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

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

} // namespace

FlatSymbolRefAttr bankOf(Value value) {
  return TypeSwitch<Type, FlatSymbolRefAttr>(value.getType())
      .Case<SetType, TicketType, SlotsType>(
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
  auto bank = lookupBank(*this, tables, getSet().getType().getBank());
  auto pool = tables.lookupNearestSymbolFrom<PoolOp>(*this, getPoolAttr());
  if (!pool)
    return emitOpError() << getPoolAttr() << " is not an expert.pool";
  if (!bank)
    return failure();
  if (bank.getDtype() != pool.getDtype())
    return emitOpError() << "brings " << bank.getDtype() << " experts into a "
                         << pool.getDtype() << " pool";
  int64_t bytes = slotLayout(bank).bytes;
  if (bytes > static_cast<int64_t>(pool.getSlotBytes()))
    return emitOpError() << "an expert of " << bytes
                         << " bytes does not fit a slot of "
                         << pool.getSlotBytes();
  return success();
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

LogicalResult RunOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto bank = lookupBank(*this, tables, getSet().getType().getBank());
  if (!bank)
    return failure();
  int64_t hidden = cast<RankedTensorType>(getIn().getType()).getDimSize(1);
  if (hidden != static_cast<int64_t>(bank.getHidden()))
    return emitOpError() << "rows have " << hidden << " features, the bank's "
                         << "experts take " << bank.getHidden();
  if (auto demand = getSet().getDefiningOp<DemandOp>()) {
    auto ids = cast<RankedTensorType>(demand.getIds().getType());
    auto weights = cast<RankedTensorType>(getWeights().getType());
    if (ids.getShape() != weights.getShape())
      return emitOpError() << "weights are " << weights << " for ids of "
                           << ids;
  }
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
