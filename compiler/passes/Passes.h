//===- Passes.h - Creating and registering the passes -----------*- C++ -*-===//
//
// Declarations come from Passes.td: `createXPass()`, `createXPass(XOptions)`
// and `registerSluicePasses()`.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/llm/Llm.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace sluice {

#define GEN_PASS_DECL
#include "compiler/passes/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/passes/Passes.h.inc"

} // namespace sluice
