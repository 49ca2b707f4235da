//===- accesses.h - What an instruction reads and writes --------*- C++ -*-===//
#pragma once

#include "dialects/plan/PlanIr.h"

namespace sluice {

/// Calls `visit(buffer, reads, writes)` for each buffer operand of a
/// plan.launch, plan.copy or plan.fetch; other ops have none. A buffer passed
/// twice to one launch is visited twice.
void forEachAccess(
    mlir::Operation *op,
    llvm::function_ref<void(planir::BufferOp, bool reads, bool writes)> visit);

/// The stream an instruction stands on, or nothing for other ops.
std::optional<planir::Stream> streamOf(mlir::Operation *op);

/// Buffers that hold data from one entry to the next: what @load fetches,
/// constants, rope tables, and what some kernel both reads and writes (the KV
/// cache).
llvm::DenseSet<mlir::Operation *> persistentBuffers(mlir::ModuleOp module);

} // namespace sluice
