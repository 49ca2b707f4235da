//===- sluice_opt.cpp - Runs any pass alone -------------------------------===//
//
// For lit tests and for people: `sluice-opt in.mlir --fuse-llm`. Knows Sluice's
// dialects, `func` and the builtin ops, nothing else.
//
//===----------------------------------------------------------------------===//

#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::func::FuncDialect, sluice::llm::LlmDialect,
                  sluice::expert::ExpertDialect, sluice::planir::PlanDialect>();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  sluice::registerSluicePasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Sluice optimizer\n", registry));
}
