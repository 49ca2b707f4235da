//===- PlanIr.h - The plan dialect ------------------------------*- C++ -*-===//
//
// When things happen, on which stream, at which address; see PlanDialect.td.
// (The runtime's view of a plan is runtime/plan/plan.h.)
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/signatures.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace sluice::planir {

/// The entry point that runs once, before any step.
inline constexpr llvm::StringLiteral kLoad = "load";

/// The element type of kernels for an IR type, or nothing for other types.
std::optional<DType> toDType(mlir::Type type);

} // namespace sluice::planir

#include "dialects/plan/PlanOpsDialect.h.inc"
#include "dialects/plan/PlanOpsEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/plan/PlanOpsTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/plan/PlanOps.h.inc"

namespace sluice::planir {

/// True for instructions that act on a bank of experts.
inline bool isExpertInstruction(mlir::Operation *op) {
  return mlir::isa<DemandOp, SplitOp, FetchExpertsOp, RunHostOp, RunExpertsOp,
                   JoinOp, ReleaseOp, PrefetchOp>(op);
}

} // namespace sluice::planir
