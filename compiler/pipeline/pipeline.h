//===- pipeline.h - Which passes run in which order -------------*- C++ -*-===//
#pragma once

#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include "mlir/Pass/PassManager.h"

#include <string_view>

namespace sluice {

/// Refuses, by name, to disable a pass that does more than make a plan faster;
/// the message lists those that may be missing.
Status checkDisabledPasses(const CompileOptions &options);

/// False for a pass that `options` disables.
bool isEnabled(const CompileOptions &options, std::string_view pass);

/// For a plan whose experts do not all stay on the GPU.
struct MovingExperts {
  int64_t slotBudget = 0; ///< Bytes for slots, about.
  ExpertDecisions decisions;
};

/// Adds the passes that bring an llm module to `stage`; all experts stay on the
/// GPU, or move as `moving` says. The order, and why, is written in
/// pipeline.cpp. Passes that `options` disables are left out; fails as
/// checkDisabledPasses does.
Status buildPipeline(mlir::OpPassManager &passes, const CompileOptions &options,
                     Stage stage, const MovingExperts *moving = nullptr);

} // namespace sluice
