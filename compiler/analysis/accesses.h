//===- accesses.h - What an instruction reads and writes --------*- C++ -*-===//
#pragma once

#include "dialects/plan/PlanIr.h"

namespace sluice {

using AccessVisitor =
    llvm::function_ref<void(planir::BufferOp, bool reads, bool writes)>;

/// Calls `visit(buffer, reads, writes)` for each buffer operand that an
/// instruction accesses on its stream: of a plan.launch, plan.copy, plan.fetch,
/// plan.run_experts or plan.join; other ops have none. A buffer passed twice to
/// one launch is visited twice.
void forEachAccess(mlir::Operation *op, AccessVisitor visit);

/// The same for what the host itself, or its worker, accesses: ids of a
/// plan.demand, tables and indices that it fills while it enqueues, rows of a
/// plan.run_host.
void forEachHostAccess(mlir::Operation *op, AccessVisitor visit);

/// The stream an instruction stands on, or nothing for other ops.
std::optional<planir::Stream> streamOf(mlir::Operation *op);

/// Buffers that hold data from one entry to the next: what @load fetches,
/// constants, rope tables, what some kernel both reads and writes (the KV
/// cache), and the slots and images of experts.
llvm::DenseSet<mlir::Operation *> persistentBuffers(mlir::ModuleOp module);

} // namespace sluice
