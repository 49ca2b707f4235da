//===- declarations.h - A Qwen3-MoE's symbols -------------------*- C++ -*-===//
//
// Internal to this folder: the builder's first half declares every weight,
// bank, table and cache; its second half refers to them by these names.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/frontend/qwen3_moe_tensors.h"
#include "compiler/pipeline/options.h"
#include "dialects/llm/Llm.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace sluice::models {

/// What the builder works from.
struct Qwen3MoeSource {
  const frontend::Checkpoint &checkpoint;
  const frontend::Qwen3MoeConfig &config;
  const frontend::Qwen3MoeTensors &tensors;
  const CompileOptions &options;
  Limits limits;
};

/// Symbols of one layer; null where the layer has no such tensor.
struct LayerSymbols {
  mlir::FlatSymbolRefAttr inputNorm, postNorm;
  mlir::FlatSymbolRefAttr q, k, v, o, qBias, kBias, vBias, oBias, qNorm, kNorm;
  mlir::FlatSymbolRefAttr router, bank;   ///< Sparse layers.
  mlir::FlatSymbolRefAttr gate, up, down; ///< Dense layers.
  mlir::FlatSymbolRefAttr cache;
};

struct ModelSymbols {
  mlir::FlatSymbolRefAttr embedding, finalNorm, head, rope;
  std::vector<LayerSymbols> layers;
};

/// The MLIR type of activations.
mlir::Type activationType(mlir::Builder &builder,
                          const CompileOptions &options);

/// Appends llm.model and every symbol to the module `builder` stands in.
ModelSymbols declareQwen3Moe(mlir::OpBuilder &builder,
                             const Qwen3MoeSource &source);

} // namespace sluice::models
