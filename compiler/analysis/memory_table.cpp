//===- memory_table.cpp - What a plan takes, line by line -----------------===//

#include "compiler/analysis/memory_table.h"

#include "runtime/plan/version.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {

bool packArena(ModuleOp module, ArenaOp arena) {
  constexpr int64_t kMost = int64_t{1} << 62;
  int64_t end = 0;
  for (auto buffer : module.getOps<BufferOp>()) {
    if (buffer.getArenaOp() != arena)
      continue;
    if (buffer.getBytes() > kMost - end)
      return false;
    buffer.setOffset(end);
    end = llvm::alignTo(end + buffer.getBytes(), plan::kBufferAlignment);
  }
  arena.setBytes(end);
  return true;
}

void updateMemoryTable(ModuleOp module) {
  for (auto line : llvm::make_early_inc_range(module.getOps<MemoryOp>()))
    line.erase();
  OpBuilder builder(module.getContext());
  ArenaOp last;
  for (auto arena : module.getOps<ArenaOp>()) {
    StringRef name = llvm::StringSwitch<StringRef>(arena.getName())
                         .Case("weights", "dense weights")
                         .Case("experts", "expert slots")
                         .Case("kv", "KV cache")
                         .Case("tables", "rope and slot tables")
                         .Case("io", "step inputs and outputs")
                         .Case("images", "experts in host memory")
                         .Case("ring", "ring for disk reads")
                         .Default(arena.getName());
    builder.setInsertionPointAfter(arena);
    MemoryOp::create(builder, arena.getLoc(), name, arena.getMemory(),
                     arena.getBytes());
    if (arena.getMemory() == Memory::Device)
      last = arena;
  }
  if (!last)
    return;
  builder.setInsertionPointAfter(last->getNextNode());
  MemoryOp::create(builder, last.getLoc(), "margin", Memory::Device,
                   kMarginBytes);
}

} // namespace sluice
