//===- sluice_compile.cpp - From a checkpoint to a plan -------------------===//

#include "compiler/export/export.h"
#include "compiler/pipeline/import.h"
#include "compiler/pipeline/pipeline.h"
#include "runtime/io/file.h"
#include "tools/sluice-compile/flags.h"
#include "tools/sluice-compile/memory.h"
#include "tools/support/log.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/raw_ostream.h"

#include <filesystem>

using namespace sluice;
using namespace sluice::tools;

namespace {

/// Keeps the first error that ops and passes emit; MLIR would print them all.
class Complaints {
public:
  explicit Complaints(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
              first.empty())
            first = diagnostic.str();
          return mlir::success();
        }) {}

  Status status(const char *what) const {
    return Status(ErrorCode::Internal,
                  std::string(what) + ": " +
                      (first.empty() ? "failed without a word" : first));
  }

private:
  std::string first;
  mlir::ScopedDiagnosticHandler handler;
};

Status runPasses(mlir::ModuleOp module, const CompileFlags &flags,
                 mlir::TimingScope &timing) {
  mlir::PassManager passes(module->getName());
  if (failed(mlir::applyPassManagerCLOptions(passes)))
    return Status(ErrorCode::InvalidArgument, "MLIR refuses its own flags");
  passes.enableTiming(timing);
  SLUICE_RETURN_IF_ERROR(buildPipeline(passes, flags.options, flags.stage));
  Complaints complaints(*module.getContext());
  if (failed(passes.run(module)))
    return complaints.status("a pass");
  return Status::ok();
}

/// The text of the IR, or the bytes of the plan.
Result<std::string> serialize(mlir::ModuleOp module, Stage stage) {
  std::string text;
  if (stage != Stage::Flatbuffer) {
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return text + "\n";
  }
  Complaints complaints(*module.getContext());
  mlir::FailureOr<std::vector<uint8_t>> bytes = exportPlan(module);
  if (failed(bytes))
    return complaints.status("the exporter");
  return std::string(bytes->begin(), bytes->end());
}

Status writeResult(const std::string &path, const std::string &content) {
  if (path.empty()) {
    llvm::outs() << content;
    return Status::ok();
  }
  // It will be replaced by renaming: that must not hit a device or a pipe.
  std::error_code error;
  if (std::filesystem::exists(path, error) &&
      !std::filesystem::is_regular_file(path, error))
    return Status(ErrorCode::InvalidArgument,
                  "-o " + path + ": expected a regular file or a new one");
  return writeFile(path, content);
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

  std::string explanation;
  if (flags.stage >= Stage::Plan) {
    MemoryTable memory = readMemory(*model.module);
    SLUICE_RETURN_IF_ERROR(checkBudgets(memory, flags.options));
    if (flags.explain)
      explanation = explain(memory, flags.options);
  }
  mlir::TimingScope writing = timing.nest("write result");
  SLUICE_ASSIGN_OR_RETURN(std::string content,
                          serialize(*model.module, flags.stage));
  SLUICE_RETURN_IF_ERROR(writeResult(flags.output, content));
  llvm::outs() << explanation;
  return Status::ok();
}

} // namespace

int main(int argc, char **argv) {
  initLog("sluice-compile");
  Result<CompileFlags> flags = parseFlags(argc, argv);
  if (!flags) {
    if (!flags.status().message().empty())
      logError(flags.status().message());
    return kBadUsage;
  }
  Status status = compile(*flags);
  return status ? kDone : fail(status);
}
