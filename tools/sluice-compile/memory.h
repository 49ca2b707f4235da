//===- memory.h - What a plan takes, line by line ---------------*- C++ -*-===//
#pragma once

#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::tools {

/// The memory table of a module in the plan dialect.
struct MemoryTable {
  struct Item {
    std::string name;
    bool device = true;
    uint64_t bytes = 0;
  };
  std::vector<Item> items;
  uint64_t device = 0; ///< Bytes of GPU memory in all.
  uint64_t host = 0;   ///< Bytes of pinned host memory in all.
};

MemoryTable readMemory(mlir::ModuleOp module);

/// The error of a plan that does not fit: the bytes by item, and the smallest
/// budget that would do. Success where there is no budget.
Status checkBudgets(const MemoryTable &table, const CompileOptions &options);

/// The table for people, as --explain prints it.
std::string explain(const MemoryTable &table, const CompileOptions &options);

} // namespace sluice::tools
