//===- PlanDataOps.cpp - Verifiers of memory and facts --------------------===//

#include "dialects/plan/PlanIr.h"
#include "runtime/plan/version.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace sluice::planir {

LogicalResult ModelOp::verify() {
  for (ModelOp other : (*this)->getParentOfType<ModuleOp>().getOps<ModelOp>())
    if (other != *this && other->isBeforeInBlock(*this))
      return emitOpError("stands twice in a module");
  return success();
}

void FileOp::getAsmResultNames(function_ref<void(Value, StringRef)> setName) {
  setName(getFile(), "file");
}

LogicalResult FileOp::verify() {
  StringRef path = getPath();
  SmallVector<StringRef> parts;
  path.split(parts, '/');
  if (path.empty() || path.front() == '/' || llvm::is_contained(parts, ".."))
    return emitOpError() << "path '" << path
                         << "' is not below the model's directory";
  if (getBytes() < 1)
    return emitOpError() << "has " << getBytes() << " bytes";
  return success();
}

void ArenaOp::getAsmResultNames(function_ref<void(Value, StringRef)> setName) {
  setName(getArena(), getName());
}

LogicalResult ArenaOp::verify() {
  if (getBytes() < 0)
    return emitOpError() << "has " << getBytes() << " bytes";
  return success();
}

void BufferOp::getAsmResultNames(function_ref<void(Value, StringRef)> setName) {
  setName(getBuffer(), getName());
}

LogicalResult BufferOp::verify() {
  ArenaOp arena = getArenaOp();
  if (!arena)
    return emitOpError("does not lie in a plan.arena");
  if (!toDType(getDtype()))
    return emitOpError() << "dtype is " << getDtype()
                         << ", expected bf16, f16, f32 or i32";
  if (getOffset() < 0 ||
      getOffset() % static_cast<int64_t>(plan::kBufferAlignment) != 0)
    return emitOpError() << "starts at " << getOffset()
                         << ", expected a multiple of "
                         << plan::kBufferAlignment;
  if (getBytes() < 1 || getOffset() > arena.getBytes() ||
      getBytes() > arena.getBytes() - getOffset())
    return emitOpError() << "has " << getBytes() << " bytes from "
                         << getOffset() << " in arena '" << arena.getName()
                         << "' of " << arena.getBytes();
  return success();
}

void SourceOp::getAsmResultNames(function_ref<void(Value, StringRef)> setName) {
  setName(getSource(), getTensor());
}

int64_t SourceOp::getTargetEnd() {
  int64_t end = 0;
  for (size_t i = 0; i < getRangeCount(); ++i) {
    // A fetch may be verified before its source.
    int64_t last;
    if (__builtin_add_overflow(getRange(i).target, getRange(i).bytes, &last))
      return INT64_MAX;
    end = std::max(end, last);
  }
  return end;
}

LogicalResult SourceOp::verify() {
  if (getRanges().empty() || getRanges().size() % 4 != 0)
    return emitOpError("needs ranges of four numbers each");
  SmallVector<FileOp> files;
  for (Value file : getFiles()) {
    files.push_back(file.getDefiningOp<FileOp>());
    if (!files.back())
      return emitOpError("names a file that is no plan.file");
  }
  SmallVector<std::pair<int64_t, int64_t>> targets;
  bool sorted = true;
  for (size_t i = 0; i < getRangeCount(); ++i) {
    Range range = getRange(i);
    if (range.file < 0 || range.file >= static_cast<int64_t>(files.size()))
      return emitOpError() << "range " << i << " names file " << range.file
                           << " of " << files.size();
    int64_t size = files[range.file].getBytes(), end;
    if (range.bytes < 1 || range.source < 0 || range.bytes > size ||
        range.source > size - range.bytes)
      return emitOpError() << "range " << i << " reads " << range.bytes
                           << " bytes from " << range.source << " of '"
                           << files[range.file].getPath() << "', which has "
                           << size;
    if (range.target < 0 ||
        __builtin_add_overflow(range.target, range.bytes, &end))
      return emitOpError() << "range " << i << " has the target offset "
                           << range.target;
    sorted =
        sorted && (targets.empty() || targets.back().second <= range.target);
    targets.push_back({range.target, end});
  }
  if (sorted)
    return success();
  llvm::sort(targets);
  for (size_t i = 1; i < targets.size(); ++i)
    if (targets[i].first < targets[i - 1].second)
      return emitOpError() << "ranges overlap at byte " << targets[i].first
                           << " of the target";
  return success();
}

LogicalResult ConstantOp::verify() {
  auto buffer = getBuffer().getDefiningOp<BufferOp>();
  if (!buffer || !buffer.getDtype().isSignlessInteger(32))
    return emitOpError("needs an i32 buffer");
  int64_t bytes = 4 * static_cast<int64_t>(getData().size());
  if (bytes != buffer.getBytes())
    return emitOpError() << "has " << bytes << " bytes for a buffer of "
                         << buffer.getBytes();
  return success();
}

LogicalResult MemoryOp::verify() {
  if (getBytes() < 0)
    return emitOpError() << "has " << getBytes() << " bytes";
  return success();
}

LogicalResult RopeTableOp::verify() {
  int64_t frequencies = getFrequencies().size(), bytes;
  if (frequencies < 1 || getPositions() < 1 ||
      __builtin_mul_overflow(4 * frequencies, getPositions(), &bytes))
    return emitOpError() << "has " << getPositions() << " positions of "
                         << frequencies << " frequencies";
  for (Value value : {getCos(), getSin()}) {
    auto buffer = value.getDefiningOp<BufferOp>();
    if (!buffer || !buffer.getDtype().isF32() || buffer.getBytes() != bytes)
      return emitOpError() << "needs f32 buffers of " << bytes << " bytes";
  }
  if (getCos() == getSin())
    return emitOpError("puts both tables into one buffer");
  return success();
}

} // namespace sluice::planir
