//===- Passes.h - Creating and registering the passes -----------*- C++ -*-===//
//
// Declarations come from Passes.td: `createXPass()`, `createXPass(XOptions)`
// and `registerSluicePasses()`.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/expert/Expert.h"
#include "dialects/llm/Llm.h"
#include "dialects/plan/PlanIr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <limits>
#include <memory>

namespace sluice {

#define GEN_PASS_DECL
#include "compiler/passes/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/passes/Passes.h.inc"

} // namespace sluice
