//===- memory_table.cpp - What a plan takes, line by line -----------------===//

#include "compiler/analysis/memory_table.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace sluice::planir;

namespace sluice {

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
