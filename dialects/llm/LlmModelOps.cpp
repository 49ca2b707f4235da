//===- LlmModelOps.cpp - Verifiers of a model's declarations --------------===//

#include "dialects/llm/Llm.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace sluice::llm {
namespace {

/// a * b, or -1 where it overflows.
int64_t checkedProduct(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? -1 : product;
}

/// Bytes of a tensor with only static, positive dims; -1 on overflow.
int64_t tensorBytes(RankedTensorType type) {
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t dim : type.getShape()) {
    bytes = checkedProduct(bytes, dim);
    if (bytes < 0)
      return -1;
  }
  return bytes;
}

bool hasPositiveDims(RankedTensorType type) {
  return llvm::all_of(type.getShape(), [](int64_t dim) { return dim > 0; });
}

/// Whether [offset, offset + bytes) of `file` exists.
LogicalResult verifyRange(Operation *op, FileOp file, int64_t offset,
                          int64_t bytes) {
  int64_t size = file.getBytes();
  if (bytes <= size && offset <= size - bytes)
    return success();
  return op->emitOpError() << "reads bytes " << offset << " to "
                           << static_cast<uint64_t>(offset) + bytes << " of @"
                           << file.getSymName() << ", which has " << size;
}

FileOp lookupFile(Operation *op, SymbolTableCollection &tables,
                  FlatSymbolRefAttr name) {
  auto file = tables.lookupNearestSymbolFrom<FileOp>(op, name);
  if (!file)
    op->emitOpError() << name << " is not an llm.file";
  return file;
}

} // namespace

LogicalResult ModelOp::verify() {
  if (!isActivationType(getActivations()))
    return emitOpError() << "activations are " << getActivations()
                         << ", expected bf16 or f32";
  if (getTopK() > getExperts())
    return emitOpError() << "top_k " << getTopK() << " of " << getExperts()
                         << " experts";
  if ((getTopK() == 0) != (getExperts() == 0))
    return emitOpError("has experts without top_k");
  int64_t tokens = checkedProduct(getPagesPerSequence(), getPageTokens());
  if (tokens < static_cast<int64_t>(getMaxPositions()))
    return emitOpError() << getPagesPerSequence() << " pages of "
                         << getPageTokens() << " tokens hold no sequence of "
                         << getMaxPositions();
  if (getPages() < getPagesPerSequence())
    return emitOpError() << getPages() << " pages, but one sequence may need "
                         << getPagesPerSequence();
  for (int64_t token : getStopTokens())
    if (token < 0 || token >= static_cast<int64_t>(getVocab()))
      return emitOpError() << "stop token " << token
                           << " is outside the vocabulary of " << getVocab();
  for (ModelOp other : (*this)->getParentOfType<ModuleOp>().getOps<ModelOp>())
    if (other != *this && other->isBeforeInBlock(*this))
      return emitOpError("stands twice in a module");
  return success();
}

LogicalResult FileOp::verify() {
  StringRef path = getPath();
  if (path.empty() || path.front() == '/')
    return emitOpError() << "path '" << path
                         << "' is not relative to the model's directory";
  SmallVector<StringRef> parts;
  path.split(parts, '/');
  if (llvm::is_contained(parts, ".."))
    return emitOpError() << "path '" << path
                         << "' leaves the model's directory";
  return success();
}

LogicalResult WeightOp::verify() {
  RankedTensorType type = getTensorType();
  if (!isWeightType(type.getElementType()) || !hasPositiveDims(type) ||
      type.getRank() < 1 || type.getRank() > 2)
    return emitOpError() << "has type " << type
                         << ", expected bf16, f16 or f32 with one or two "
                            "positive dims";
  int64_t bytes = tensorBytes(type);
  if (bytes != static_cast<int64_t>(getBytes()))
    return emitOpError() << "has " << getBytes() << " bytes, but " << type
                         << " needs " << bytes;
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &tables) {
  FileOp file = lookupFile(*this, tables, getFileAttr());
  return failure(!file ||
                 failed(verifyRange(*this, file, getOffset(), getBytes())));
}

LogicalResult ExpertBankOp::verify() {
  if (!isWeightType(getDtype()))
    return emitOpError() << "dtype is " << getDtype()
                         << ", expected bf16, f16 or f32";
  int64_t matrices = checkedProduct(3, getExperts());
  if (static_cast<int64_t>(getFileOf().size()) != matrices ||
      static_cast<int64_t>(getOffsets().size()) != matrices)
    return emitOpError() << "has " << getFileOf().size() << " files and "
                         << getOffsets().size() << " offsets for "
                         << getExperts() << " experts of three matrices";
  int64_t elements = checkedProduct(getHidden(), getInner());
  if (elements < 0 || checkedProduct(elements, checkedProduct(matrices, 4)) < 0)
    return emitOpError("is larger than 2^63 bytes");
  for (int32_t file : getFileOf())
    if (file < 0 || file >= static_cast<int64_t>(getFiles().size()))
      return emitOpError() << "names file " << file << " of "
                           << getFiles().size();
  for (int64_t offset : getOffsets())
    if (offset < 0)
      return emitOpError() << "has the negative offset " << offset;
  return success();
}

LogicalResult ExpertBankOp::verifySymbolUses(SymbolTableCollection &tables) {
  SmallVector<FileOp> files;
  for (auto name : getFiles().getAsRange<FlatSymbolRefAttr>()) {
    files.push_back(lookupFile(*this, tables, name));
    if (!files.back())
      return failure();
  }
  int64_t bytes = getMatrixBytes();
  for (auto [file, offset] : llvm::zip(getFileOf(), getOffsets()))
    if (failed(verifyRange(*this, files[file], offset, bytes)))
      return failure();
  return success();
}

LogicalResult RopeTableOp::verify() {
  if (getInverseFrequencies().empty())
    return emitOpError("has no frequencies");
  if (!getScale().isFinite())
    return emitOpError("has a scale that is not finite");
  for (float frequency : getInverseFrequencies())
    if (!std::isfinite(frequency))
      return emitOpError("has a frequency that is not finite");
  return success();
}

LogicalResult KvCacheOp::verify() {
  RankedTensorType type = getTensorType();
  if (!isActivationType(type.getElementType()) || type.getRank() != 4 ||
      !hasPositiveDims(type))
    return emitOpError() << "has type " << type
                         << ", expected [pages, page_tokens, kv_heads, "
                            "head_dim] of bf16 or f32";
  if (tensorBytes(type) < 0)
    return emitOpError("is larger than 2^63 bytes");
  return success();
}

} // namespace sluice::llm
