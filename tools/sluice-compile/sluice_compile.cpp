//===- sluice_compile.cpp - From a checkpoint to a plan -------------------===//

#include "compiler/pipeline/import.h"
#include "compiler/pipeline/pipeline.h"
#include "runtime/io/safetensors_writer.h"
#include "tools/sluice-compile/flags.h"
#include "tools/support/log.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/raw_ostream.h"

using namespace sluice;
using namespace sluice::tools;

namespace {

/// Runs the passes; the first error an op or a pass emits is the result's.
Status runPasses(mlir::ModuleOp module, const CompileFlags &flags,
                 mlir::TimingScope &timing) {
  mlir::PassManager passes(module->getName());
  if (failed(mlir::applyPassManagerCLOptions(passes)))
    return Status(ErrorCode::InvalidArgument, "MLIR refuses its own flags");
  passes.enableTiming(timing);
  SLUICE_RETURN_IF_ERROR(buildPipeline(passes, flags.options, flags.stage));
  std::string complaint;
  mlir::ScopedDiagnosticHandler handler(
      module.getContext(), [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
            complaint.empty())
          complaint = diagnostic.str();
        return mlir::success();
      });
  if (failed(passes.run(module)))
    return Status(ErrorCode::Internal,
                  complaint.empty() ? "a pass failed" : complaint);
  return Status::ok();
}

Status compile(const CompileFlags &flags) {
  // One model is one module: threads would only wait for each other.
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::DefaultTimingManager timer;
  mlir::applyDefaultTimingManagerCLOptions(timer);
  mlir::TimingScope timing = timer.getRootScope();

  mlir::TimingScope reading = timing.nest("read checkpoint");
  SLUICE_ASSIGN_OR_RETURN(ImportedModel model,
                          importModel(context, flags.modelDir, flags.options));
  reading.stop();
  for (const std::string &remark : model.remarks)
    logInfo(remark);
  SLUICE_RETURN_IF_ERROR(runPasses(*model.module, flags, timing));

  std::string text;
  llvm::raw_string_ostream stream(text);
  model.module->print(stream);
  if (flags.output.empty())
    llvm::outs() << text;
  return Status::ok();
}

} // namespace

int main(int argc, char **argv) {
  initLog("sluice-compile");
  Result<CompileFlags> flags = parseFlags(argc, argv);
  if (!flags) {
    logError(flags.status().message());
    return kBadUsage;
  }
  Status status = compile(*flags);
  return status ? kDone : fail(status);
}
