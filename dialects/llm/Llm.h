//===- Llm.h - The llm dialect ----------------------------------*- C++ -*-===//
//
// What a model computes; see LlmDialect.td. Depends on MLIR alone.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace sluice::llm {

/// What the effects of cache ops are on; the effect also names the cache.
struct CacheResource : mlir::SideEffects::Resource::Base<CacheResource> {
  llvm::StringRef getName() override { return "LlmCache"; }
};

/// Attributes of an entry point: the most rows and logit rows of a step.
inline constexpr llvm::StringLiteral kMaxRows = "llm.max_rows";
inline constexpr llvm::StringLiteral kMaxLogitRows = "llm.max_logit_rows";
/// Attributes of an entry point's arguments and results. The role is one of
/// `kRoles`; the layer belongs to expert_ids and expert_weights.
inline constexpr llvm::StringLiteral kRole = "llm.role";
inline constexpr llvm::StringLiteral kLayer = "llm.layer";

/// Roles in the order of plan.fbs's Role; the first five are inputs.
inline constexpr llvm::StringLiteral kRoles[] = {
    "tokens",     "positions", "sequences",  "page_table",
    "logit_rows", "logits",    "expert_ids", "expert_weights"};
inline constexpr int kInputRoles = 5;

/// True for the element types a weight may have: bf16, f16, f32.
bool isWeightType(mlir::Type type);
/// True for the element types of activations and KV caches: bf16, f32.
bool isActivationType(mlir::Type type);

} // namespace sluice::llm

#include "dialects/llm/LlmOpsDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/llm/LlmOps.h.inc"
