//===- Expert.h - The expert dialect ----------------------------*- C++ -*-===//
//
// Where the weights of experts lie and how they get there; see ExpertOps.td.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/llm/Llm.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace sluice::expert {

/// What fetch, await, run, release and pin act on.
struct PoolResource : mlir::SideEffects::Resource::Base<PoolResource> {
  llvm::StringRef getName() override { return "ExpertPool"; }
};

/// The entry point that runs once, before any step.
inline constexpr llvm::StringLiteral kLoad = "load";

/// With fewer slots than this a layer of many experts could not go on: one
/// expert is run while the next one arrives.
inline constexpr int64_t kMinimumSlots = 2;

/// The bank that the type of a set, ticket, slots or outputs names.
mlir::FlatSymbolRefAttr bankOf(mlir::Value value);

/// Where the three matrices of an expert lie in its slot, in bytes. Each starts
/// at a multiple of 256, and so does the next slot.
struct SlotLayout {
  int64_t gate = 0;
  int64_t up = 0;
  int64_t down = 0;
  int64_t bytes = 0;
};
SlotLayout slotLayout(llm::ExpertBankOp bank);

} // namespace sluice::expert

#include "dialects/expert/ExpertOpsDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/expert/ExpertOpsTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/expert/ExpertOps.h.inc"

namespace sluice::expert {

/// The demand behind a set or behind outputs; null where it is not known.
DemandOp demandOf(mlir::Value value);

} // namespace sluice::expert
