//===- placement.h - Where the experts of a plan are ------------*- C++ -*-===//
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace sluice::tools {

/// The lines of --explain that say how many experts have slots, live in host
/// memory and on the disk, and through how many places of a ring the latter
/// come: counted in `plan`, a module in the plan dialect whose experts move.
std::string describePlacement(mlir::ModuleOp plan);

} // namespace sluice::tools
