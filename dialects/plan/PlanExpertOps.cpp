//===- PlanExpertOps.cpp - Verifiers of experts that move -----------------===//

#include "dialects/plan/PlanIr.h"
#include "runtime/plan/version.h"

#include "mlir/IR/BuiltinOps.h"

#include <cmath>

using namespace mlir;

namespace sluice::planir {
namespace {

BufferOp bufferOf(Value value) { return value.getDefiningOp<BufferOp>(); }

int64_t elementBytes(Type type) {
  std::optional<DType> dtype = toDType(type);
  return dtype ? static_cast<int64_t>(byteSize(*dtype)) : 1;
}

/// The product of factors that are at least 0, or nothing where it overflows.
std::optional<int64_t> multiply(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (int64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product))
      return std::nullopt;
  return product;
}

enum class Kind : uint8_t { F32, I32, Activation };

const char *describe(Kind kind) {
  switch (kind) {
  case Kind::F32:
    return "f32";
  case Kind::I32:
    return "i32";
  case Kind::Activation:
    return "bf16 or f32";
  }
  return "";
}

/// Checks a buffer of an instruction: where it lies, its type, its elements.
LogicalResult checkBuffer(Operation *op, StringRef name, Value value,
                          Memory memory, Kind kind,
                          std::initializer_list<int64_t> elements) {
  BufferOp buffer = bufferOf(value);
  if (!buffer || !buffer.getArenaOp())
    return op->emitOpError() << "'" << name << "' is no plan.buffer";
  if (buffer.getArenaOp().getMemory() != memory)
    return op->emitOpError() << "'" << name << "' is not in "
                             << stringifyMemory(memory) << " memory";
  Type type = buffer.getDtype();
  bool right = kind == Kind::I32   ? type.isSignlessInteger(32)
               : kind == Kind::F32 ? type.isF32()
                                   : type.isF32() || type.isBF16();
  if (!right)
    return op->emitOpError()
           << "'" << name << "' is " << type << ", expected " << describe(kind);
  std::optional<int64_t> count = multiply(elements);
  std::optional<int64_t> bytes;
  if (count)
    bytes = multiply({*count, elementBytes(type)});
  if (!bytes || *bytes > buffer.getBytes())
    return op->emitOpError()
           << "'" << name << "' has " << buffer.getBytes()
           << " bytes, expected at least " << bytes.value_or(INT64_MAX);
  return success();
}

LogicalResult checkPart(Operation *op, int64_t part, int64_t parts) {
  if (part >= 0 && part < parts)
    return success();
  return op->emitOpError() << "is part " << part << " of " << parts;
}

ExpertBankOp bankOp(Value bank) { return bank.getDefiningOp<ExpertBankOp>(); }

/// An instruction's bank, which stands in a step; null after an error.
ExpertBankOp checkBank(Operation *op, Value value, int64_t part) {
  ExpertBankOp bank = bankOp(value);
  if (!bank)
    op->emitOpError("names no plan.expert_bank");
  else if (op->getParentOfType<EntryOp>().isLoad()) {
    op->emitOpError() << "stands in @" << kLoad;
    return {};
  } else if (part < 0) {
    op->emitOpError() << "is part " << part;
    return {};
  }
  return bank;
}

int64_t rowsOf(Operation *op) {
  return op->getParentOfType<EntryOp>().getMaxRows();
}

} // namespace

//===----------------------------------------------------------------------===//
// Pools and banks
//===----------------------------------------------------------------------===//

void ExpertPoolOp::getAsmResultNames(
    function_ref<void(Value, StringRef)> setName) {
  setName(getPool(), getName());
}

LogicalResult ExpertPoolOp::verify() {
  BufferOp buffer = bufferOf(getBuffer());
  if (!buffer || !buffer.getArenaOp() ||
      buffer.getArenaOp().getMemory() != Memory::Device)
    return emitOpError("needs a buffer in device memory");
  if (getSlots() < 1 || getSlots() > INT32_MAX || getSlotBytes() < 1 ||
      getSlotBytes() % static_cast<int64_t>(plan::kBufferAlignment) != 0)
    return emitOpError() << "has " << getSlots() << " slots of "
                         << getSlotBytes()
                         << " bytes, expected at least one, of a multiple of "
                         << plan::kBufferAlignment;
  if (multiply({getSlots(), getSlotBytes()}) != buffer.getBytes())
    return emitOpError() << "has " << getSlots() << " slots of "
                         << getSlotBytes() << " bytes in a buffer of "
                         << buffer.getBytes();
  if (getWaveBytes() < 0)
    return emitOpError() << "has waves of " << getWaveBytes() << " bytes";
  for (Value value : {getHost(), getBounce()}) {
    if (!value)
      continue;
    BufferOp host = bufferOf(value);
    if (!host || !host.getArenaOp() ||
        host.getArenaOp().getMemory() != Memory::Host)
      return emitOpError("keeps images in a buffer that is not in host memory");
    if (host.getBytes() % getSlotBytes() != 0)
      return emitOpError() << "keeps images of " << getSlotBytes()
                           << " bytes in a buffer of " << host.getBytes();
  }
  if (getBounce() && bufferOf(getBounce()).getBytes() < 2 * getSlotBytes())
    return emitOpError("has a ring of fewer than two images");
  if (getDiskCost()) {
    const float cost = getDiskCost()->convertToFloat();
    if (!(cost >= 1) || std::isinf(cost))
      return emitOpError("has a disk whose misses cost less than those of host "
                         "memory, or more than can be said");
  }
  return success();
}

void ExpertBankOp::getAsmResultNames(
    function_ref<void(Value, StringRef)> setName) {
  setName(getBank(), getName());
}

ExpertPoolOp ExpertBankOp::getPoolOp() {
  return getPool().getDefiningOp<ExpertPoolOp>();
}

LogicalResult ExpertBankOp::verify() {
  ExpertPoolOp pool = getPoolOp();
  if (!pool)
    return emitOpError("does not lie in a plan.expert_pool");
  constexpr int64_t kMost = INT32_MAX;
  for (int64_t size : {getExperts(), getTopK(), getHidden(), getInner()})
    if (size < 1 || size > kMost)
      return emitOpError() << "has a size of " << size;
  if (getTopK() > getExperts())
    return emitOpError() << "chooses " << getTopK() << " of " << getExperts()
                         << " experts";
  BufferOp slots = bufferOf(pool.getBuffer());
  if (getParts().size() != 3)
    return emitOpError("needs the offsets of gate, up and down");
  int64_t slot =
      pool.getSlotBytes() / (slots ? elementBytes(slots.getDtype()) : 1);
  for (int64_t part : getParts())
    if (part < 0 || part > slot || getHidden() * getInner() > slot - part)
      return emitOpError() << "has a matrix of " << getHidden() * getInner()
                           << " elements at " << part << " of a slot of "
                           << slot;
  auto experts = static_cast<size_t>(getExperts());
  if (getHomes().size() != experts)
    return emitOpError() << "has homes of " << getHomes().size() << " of "
                         << experts << " experts";
  for (int8_t home : getHomes())
    if (home != 0 && home != 1)
      return emitOpError() << "has a home " << int(home)
                           << ", expected 0 (host) or 1 (disk)";
  std::vector<bool> seen(experts);
  for (int32_t expert : getResident()) {
    if (expert < 0 || expert >= getExperts() || seen[expert])
      return emitOpError() << "names resident expert " << expert
                           << (expert < 0 || expert >= getExperts()
                                   ? ", which it does not have"
                                   : " twice");
    seen[expert] = true;
  }
  if (getPopularity() && getPopularity()->size() != experts)
    return emitOpError() << "has the popularity of " << getPopularity()->size()
                         << " of " << experts << " experts";
  if (getMissed() && getMissed()->size() != experts)
    return emitOpError() << "says of " << getMissed()->size() << " of "
                         << experts << " experts how often they are missed";
  int64_t successors = getSuccessorsAttr() ? getSuccessorsAttr().size() : 0;
  if (getSuccessorCount() < 0 || (getSuccessorCount() == 0) != !successors ||
      (successors && successors % getSuccessorCount() != 0))
    return emitOpError() << "has " << successors << " successors, "
                         << getSuccessorCount() << " each";
  ArrayRef<int32_t> ids = getSuccessorsAttr() ? getSuccessorsAttr().asArrayRef()
                                              : ArrayRef<int32_t>();
  for (int32_t expert : ids)
    if (expert < 0 || expert >= getExperts())
      return emitOpError() << "names successor " << expert;
  return success();
}

LogicalResult PolicyOp::verify() {
  if (getPolicy() < 0 || getPolicy() >= plan::kPolicyCount)
    return emitOpError() << "names policy " << getPolicy() << " of "
                         << int(plan::kPolicyCount);
  float step = getStepMs().convertToFloat();
  if (!(step >= 0) || std::isinf(step))
    return emitOpError("predicts a time that is not finite and at least 0");
  return success();
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

LogicalResult DemandOp::verify() {
  ExpertBankOp bank = checkBank(*this, getBank(), getPart());
  if (!bank || failed(checkPart(*this, getPart(), getParts())))
    return failure();
  if (!getEvent().getDefiningOp<RecordOp>())
    return emitOpError("waits for an event that no plan.record makes");
  return checkBuffer(*this, "ids", getIds(), Memory::Host, Kind::I32,
                     {rowsOf(*this), bank.getTopK()});
}

LogicalResult SplitOp::verify() {
  float share = getShare().convertToFloat();
  if (!(share >= 0 && share <= 1))
    return emitOpError() << "share is " << share << ", expected 0 to 1";
  return success(checkBank(*this, getBank(), getPart()));
}

LogicalResult FetchExpertsOp::verify() {
  return success(checkBank(*this, getBank(), getPart()));
}

LogicalResult RunHostOp::verify() {
  ExpertBankOp bank = checkBank(*this, getBank(), getPart());
  if (!bank ||
      failed(checkBuffer(*this, "in", getIn(), Memory::Host, Kind::Activation,
                         {rowsOf(*this), bank.getHidden()})))
    return failure();
  return checkBuffer(*this, "outputs", getOutputs(), Memory::Host, Kind::F32,
                     {rowsOf(*this), bank.getTopK(), bank.getHidden()});
}

LogicalResult RunExpertsOp::verify() {
  ExpertBankOp bank = checkBank(*this, getBank(), getPart());
  if (!bank || failed(checkPart(*this, getPart(), getParts())))
    return failure();
  int64_t rows = rowsOf(*this), topK = bank.getTopK(), tables;
  if (__builtin_mul_overflow(rows, topK, &tables) ||
      __builtin_add_overflow(tables, 2 * bank.getExperts() + 1, &tables))
    return emitOpError("has more pairs than 63 bits count");
  if (failed(checkBuffer(*this, "in", getIn(), Memory::Device, Kind::Activation,
                         {rows, bank.getHidden()})) ||
      failed(checkBuffer(*this, "inner", getInner(), Memory::Device, Kind::F32,
                         {rows, topK, bank.getInner()})) ||
      failed(checkBuffer(*this, "outputs", getOutputs(), Memory::Device,
                         Kind::F32, {rows, topK, bank.getHidden()})) ||
      failed(checkBuffer(*this, "tables", getTables(), Memory::Device,
                         Kind::I32, {tables})))
    return failure();
  return checkBuffer(*this, "tables_host", getTablesHost(), Memory::Host,
                     Kind::I32, {tables});
}

LogicalResult JoinOp::verify() {
  ExpertBankOp bank = checkBank(*this, getBank(), getPart());
  if (!bank)
    return failure();
  int64_t rows = rowsOf(*this), topK = bank.getTopK();
  int64_t hidden = bank.getHidden();
  if (failed(checkBuffer(*this, "source", getSource(), Memory::Host, Kind::F32,
                         {rows, topK, hidden})) ||
      failed(checkBuffer(*this, "staged", getStaged(), Memory::Device,
                         Kind::F32, {rows, topK, hidden})) ||
      failed(checkBuffer(*this, "shares", getShares(), Memory::Device,
                         Kind::I32, {rows, topK})))
    return failure();
  return checkBuffer(*this, "shares_host", getSharesHost(), Memory::Host,
                     Kind::I32, {rows, topK});
}

LogicalResult ReleaseOp::verify() {
  return success(checkBank(*this, getBank(), getPart()));
}

LogicalResult PrefetchOp::verify() {
  ExpertBankOp bank = checkBank(*this, getBank(), 0);
  if (!bank)
    return failure();
  if (getFrom() && !bankOp(getFrom()))
    return emitOpError("names no plan.expert_bank as evidence");
  if (getLimit() < 1 || getLimit() > bank.getExperts())
    return emitOpError() << "brings up to " << getLimit() << " of "
                         << bank.getExperts() << " experts";
  return success();
}

LogicalResult GraphBeginOp::verify() {
  if (getGraph() < 0)
    return emitOpError() << "begins graph " << getGraph();
  for (Operation *op = (*this)->getNextNode(); op; op = op->getNextNode()) {
    if (auto end = dyn_cast<GraphEndOp>(op)) {
      if (end.getGraph() != getGraph())
        return emitOpError() << "begins graph " << getGraph() << ", but graph "
                             << end.getGraph() << " ends";
      return success();
    }
    auto launch = dyn_cast<LaunchOp>(op);
    auto copy = dyn_cast<CopyOp>(op);
    bool inside = launch ? launch.getStream() == Stream::Compute
                         : copy && copy.getStream() == Stream::Compute &&
                               !copy.getRecording();
    if (!inside)
      return op->emitOpError() << "stands in graph " << getGraph()
                               << ", which holds launches and copies of the "
                                  "compute stream alone";
  }
  return emitOpError() << "begins graph " << getGraph() << ", which never ends";
}

LogicalResult GraphEndOp::verify() {
  for (Operation *op = (*this)->getPrevNode(); op; op = op->getPrevNode()) {
    if (isa<GraphEndOp>(op))
      break;
    if (isa<GraphBeginOp>(op))
      return success();
  }
  return emitOpError() << "ends graph " << getGraph() << ", which never began";
}

} // namespace sluice::planir
