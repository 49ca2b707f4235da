//===- qwen3_moe.h - Qwen3-MoE as llm IR ------------------------*- C++ -*-===//
#pragma once

#include "compiler/frontend/qwen3_moe_config.h"
#include "compiler/frontend/qwen3_moe_tensors.h"
#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace sluice::models {

/// The module of a Qwen3MoeForCausalLM: facts, files, weights, one expert bank
/// and one KV cache a layer, one rope table, and the entry points @prefill and
/// @decode, which share them all. Nothing is fused. The module verifies, else
/// the first complaint is the error.
///
/// Loads the dialects it needs into `context`.
Result<mlir::OwningOpRef<mlir::ModuleOp>> buildQwen3Moe(
    mlir::MLIRContext &context, const frontend::Checkpoint &checkpoint,
    const frontend::Qwen3MoeConfig &config,
    const frontend::Qwen3MoeTensors &tensors, const CompileOptions &options);

} // namespace sluice::models
