//===- import.h - A model directory as llm IR -------------------*- C++ -*-===//
#pragma once

#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace sluice {

struct ImportedModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// What a person should know, one line each: tensors that were ignored.
  std::vector<std::string> remarks;
};

/// Reads config.json and the headers of the weights in `directory` and builds
/// the llm module of its architecture. Reads no weight bytes.
Result<ImportedModel> importModel(mlir::MLIRContext &context,
                                  const std::string &directory,
                                  const CompileOptions &options);

} // namespace sluice
