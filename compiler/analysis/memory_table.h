//===- memory_table.h - What a plan takes, line by line ---------*- C++ -*-===//
#pragma once

#include "dialects/plan/PlanIr.h"

namespace sluice {

/// GPU memory that no arena holds but a process that runs a plan takes: the
/// CUDA context, the code of the kernels, and cuBLASLt with its heuristics.
/// Measured: 646 MiB of a process whose arenas took 119 MiB, that is 527 MiB
/// (H200, driver 580, CUDA 13; the context grows with the multiprocessors, and
/// the H200 has about as many as any GPU). The rest is room for other drivers
/// and for the rounding of allocations.
inline constexpr int64_t kMarginBytes = int64_t{768} << 20;

/// Places an arena's buffers one behind another, in the order of the module,
/// and gives the arena their size. False where that is above 2^62 bytes.
bool packArena(mlir::ModuleOp module, planir::ArenaOp arena);

/// Rewrites the lines of the memory table: one an arena, then the margin where
/// a plan takes GPU memory at all.
void updateMemoryTable(mlir::ModuleOp module);

} // namespace sluice
