//===- export.h - From plan IR to the bytes of a plan -----------*- C++ -*-===//
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <vector>

namespace sluice {

/// Serialises a module of the plan dialect, as lower-to-plan and the passes
/// behind it leave it, to the FlatBuffer of runtime/plan/plan.fbs. A flat walk:
/// every decision was made in the IR. Emits an error and fails where the module
/// lacks plan.model or @load, holds anything but plan ops, or has numbers the
/// schema cannot hold.
mlir::FailureOr<std::vector<uint8_t>> exportPlan(mlir::ModuleOp module);

} // namespace sluice
