//===- PlanScheduleOps.cpp - Verifiers of entry points --------------------===//

#include "dialects/plan/PlanIr.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace sluice::planir {
namespace {

BufferOp bufferOf(Value value) { return value.getDefiningOp<BufferOp>(); }

/// The memory a buffer lies in, or nothing where the IR is broken.
std::optional<Memory> memoryOf(Value value) {
  BufferOp buffer = bufferOf(value);
  if (!buffer || !buffer.getArenaOp())
    return std::nullopt;
  return buffer.getArenaOp().getMemory();
}

LogicalResult verifyPort(Operation *op, Value buffer, Role role, int64_t layer,
                         bool input) {
  if (input != (role <= Role::LogitRowIds))
    return op->emitOpError() << "cannot carry " << stringifyRole(role);
  if (memoryOf(buffer) != Memory::Host)
    return op->emitOpError("needs a buffer in host memory");
  bool floats = role == Role::Logits || role == Role::ExpertWeights;
  Type dtype = bufferOf(buffer).getDtype();
  if (floats ? !dtype.isF32() : !dtype.isSignlessInteger(32))
    return op->emitOpError()
           << "carries " << dtype << ", expected " << (floats ? "f32" : "i32");
  bool perLayer = role == Role::ExpertIds || role == Role::ExpertWeights;
  if (layer < 0 || (layer > 0 && !perLayer))
    return op->emitOpError() << stringifyRole(role) << " has layer " << layer;
  return success();
}

} // namespace

//===----------------------------------------------------------------------===//
// Entries and ports
//===----------------------------------------------------------------------===//

int64_t EntryOp::getLimit(Rows rows) {
  switch (rows) {
  case Rows::Fixed:
    return 1;
  case Rows::Rows:
    return getMaxRows();
  case Rows::LogitRows:
    return getMaxLogitRows();
  }
  return 0;
}

LogicalResult EntryOp::verify() {
  if (isLoad()) {
    if (getMaxRows() != 0 || getMaxLogitRows() != 0)
      return emitOpError() << "@" << kLoad << " has rows";
    return success();
  }
  if (getMaxRows() < 1 || getMaxLogitRows() < 1 ||
      getMaxLogitRows() > getMaxRows())
    return emitOpError() << "has at most " << getMaxRows() << " rows and "
                         << getMaxLogitRows()
                         << " logit rows, expected 1 <= logit rows <= rows";
  return success();
}

LogicalResult EntryOp::verifyRegions() {
  for (Operation &op : getBody().front())
    if (!isa<InputOp, OutputOp, LaunchOp, CopyOp, FetchOp, RecordOp, WaitOp,
             GraphBeginOp, GraphEndOp>(op) &&
        !isExpertInstruction(&op))
      return op.emitError("is no port or instruction of a plan.entry");
  return success();
}

LogicalResult InputOp::verify() {
  return verifyPort(*this, getBuffer(), getRole(), getLayer(), true);
}

LogicalResult OutputOp::verify() {
  return verifyPort(*this, getBuffer(), getRole(), getLayer(), false);
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

void LaunchOp::build(OpBuilder &builder, OperationState &state,
                     StringRef kernel, ArrayRef<Value> operands,
                     ArrayRef<int64_t> dims, ArrayRef<float> scalars, Rows rows,
                     Class arithmetic) {
  SmallVector<Value> buffers;
  int64_t present = 0;
  for (auto [index, operand] : llvm::enumerate(operands))
    if (operand) {
      buffers.push_back(operand);
      present |= int64_t{1} << index;
    }
  build(builder, state, kernel, buffers, present, dims, scalars, rows,
        arithmetic, Stream::Compute);
}

SmallVector<Value> LaunchOp::getSignatureOperands() {
  SmallVector<Value> operands;
  auto next = getBuffers().begin();
  for (uint64_t mask = getPresent(); mask != 0; mask >>= 1)
    operands.push_back(mask & 1 ? *next++ : Value());
  if (const Signature *signature = findSignature(std::string_view(getKernel())))
    operands.resize(signature->operands.size());
  return operands;
}

LogicalResult LaunchOp::verify() {
  const Signature *signature = findSignature(std::string_view(getKernel()));
  if (!signature)
    return emitOpError() << "'" << getKernel() << "' is no kernel";
  auto error = [&]() -> InFlightDiagnostic {
    return emitOpError() << getKernel() << " ";
  };
  if (getDims().size() != signature->dims.size())
    return error() << "has " << getDims().size() << " dims, expected "
                   << signature->dims.size();
  if (getScalars().size() != signature->scalars.size())
    return error() << "has " << getScalars().size() << " scalars, expected "
                   << signature->scalars.size();
  std::span<const int64_t> dims(getDims().data(), getDims().size());
  if (const char *expected = checkDims(signature->kernel, dims))
    return error() << "has wrong dims, expected " << expected;

  uint64_t mask = getPresent();
  size_t count = signature->operands.size();
  if (mask >> count != 0 ||
      static_cast<size_t>(llvm::popcount(mask)) != getBuffers().size())
    return error() << "has " << getBuffers().size() << " operands, expected "
                   << count;
  auto entry = (*this)->getParentOfType<EntryOp>();
  if (entry.isLoad())
    return error() << "stands in @" << kLoad;
  int64_t rows = entry.getLimit(getRows());

  SmallVector<Value> operands = getSignatureOperands();
  std::optional<DType> activation;
  for (size_t index = 0; index < count; ++index) {
    const Operand &operand = signature->operands[index];
    if (!operands[index]) {
      if (isRequired(*signature, static_cast<int>(index), dims))
        return error() << "lacks its operand '" << operand.name << "'";
      continue;
    }
    BufferOp buffer = bufferOf(operands[index]);
    if (memoryOf(operands[index]) != Memory::Device)
      return error() << "operand '" << operand.name
                     << "' is not in device memory";
    // The buffer may be verified after its user: a module's order is free.
    std::optional<DType> found = toDType(buffer.getDtype());
    DType type = found.value_or(DType::F32);
    if (!found || !allows(operand.type, type))
      return error() << "operand '" << operand.name << "' is "
                     << buffer.getDtype() << ", expected "
                     << describe(operand.type);
    if (operand.type == TypeRule::Activation) {
      if (activation && *activation != type)
        return error() << "operand '" << operand.name << "' is "
                       << buffer.getDtype() << ", other activations are not";
      activation = type;
    }
    uint64_t needed = 0;
    if (!operandBytes(*signature, index, type, dims, rows, entry.getMaxRows(),
                      needed) ||
        needed > static_cast<uint64_t>(buffer.getBytes()))
      return error() << "operand '" << operand.name << "' needs " << needed
                     << " bytes, its buffer '" << buffer.getName() << "' has "
                     << buffer.getBytes();
    if (getRows() == Rows::Fixed && operand.shape[0].kind == Factor::Rows)
      return error() << "follows rows, but is launched with fixed ones";
    if (operand.access == Access::Read)
      continue;
    for (size_t other = 0; other < count; ++other)
      if (other != index && operands[other] == operands[index])
        return error() << "writes '" << operand.name << "', which is also its '"
                       << signature->operands[other].name << "'";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Copy, fetch, wait
//===----------------------------------------------------------------------===//

LogicalResult CopyOp::verify() {
  auto source = memoryOf(getSource()), target = memoryOf(getTarget());
  if (!source || !target || *source == *target)
    return emitOpError("needs one buffer on the host and one on the device");
  if (getRecording() && *target != Memory::Host)
    return emitOpError("records, but does not copy to the host");
  auto entry = (*this)->getParentOfType<EntryOp>();
  int64_t rows = entry.getLimit(getRows()), bytes;
  if (getBytes() < 1 || __builtin_mul_overflow(getBytes(), rows, &bytes))
    return emitOpError() << "copies " << getBytes() << " bytes";
  for (Value value : {getSource(), getTarget()})
    if (bytes > bufferOf(value).getBytes())
      return emitOpError() << "copies up to " << bytes << " bytes, but '"
                           << bufferOf(value).getName() << "' has "
                           << bufferOf(value).getBytes();
  return success();
}

LogicalResult FetchOp::verify() {
  if (!(*this)->getParentOfType<EntryOp>().isLoad())
    return emitOpError() << "stands outside @" << kLoad;
  auto source = getSource().getDefiningOp<SourceOp>();
  if (!source || memoryOf(getTarget()) != Memory::Device)
    return emitOpError("needs a plan.source and a buffer in device memory");
  BufferOp buffer = bufferOf(getTarget());
  if (source.getTargetEnd() > buffer.getBytes())
    return emitOpError() << "'" << source.getTensor() << "' writes up to byte "
                         << source.getTargetEnd() << " of '" << buffer.getName()
                         << "', which has " << buffer.getBytes();
  return success();
}

LogicalResult WaitOp::verify() {
  if (!getEvent().getDefiningOp<RecordOp>())
    return emitOpError("waits for an event that no plan.record makes");
  return success();
}

LogicalResult RecordOp::canonicalize(RecordOp op, PatternRewriter &rewriter) {
  if (!op.getEvent().use_empty())
    return failure();
  rewriter.eraseOp(op);
  return success();
}

LogicalResult WaitOp::canonicalize(WaitOp op, PatternRewriter &rewriter) {
  auto record = op.getEvent().getDefiningOp<RecordOp>();
  if (!record || record.getStream() != op.getStream())
    return failure();
  rewriter.eraseOp(op);
  return success();
}

} // namespace sluice::planir
