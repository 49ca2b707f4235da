//===- model_shape.h - What a decode step launches --------------*- C++ -*-===//
#pragma once

#include "compiler/analysis/cost_model.h"

#include "mlir/IR/BuiltinOps.h"

namespace sluice {

/// The shapes of the decode entry of `module`, an llm module whose ops are
/// fused as they will be launched. `portable`: no launch uses the matrix units.
/// Ops that are not launches (and a module without a decode entry) count for
/// nothing.
ModelShape readModelShape(mlir::ModuleOp module, bool portable);

} // namespace sluice
