//===- pipeline.h - Which passes run in which order -------------*- C++ -*-===//
#pragma once

#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include "mlir/Pass/PassManager.h"

#include <span>

namespace sluice {

/// Passes that only make a plan faster; without them it gives the same tokens.
std::span<const std::string_view> passesToDisable();

/// Adds the passes that bring an llm module to `stage`. The order, and why, is
/// written in pipeline.cpp. Passes that `options` disables are left out;
/// refuses names that are not in passesToDisable().
Status buildPipeline(mlir::OpPassManager &passes, const CompileOptions &options,
                     Stage stage);

} // namespace sluice
