//===- sluice_compile.cpp - From a checkpoint to a plan -------------------===//

#include "compiler/export/export.h"
#include "compiler/pipeline/compile.h"
#include "compiler/pipeline/complaints.h"
#include "compiler/pipeline/import.h"
#include "runtime/io/file.h"
#include "tools/sluice-compile/flags.h"
#include "tools/sluice-compile/memory.h"
#include "tools/sluice-compile/planning.h"
#include "tools/support/log.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/raw_ostream.h"

#include <filesystem>

using namespace sluice;
using namespace sluice::tools;

namespace {

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

/// --batch auto, into `options`.
Status chooseBatch(mlir::MLIRContext &context, const CompileFlags &flags,
                   Planning &planning, CompileOptions &options) {
  auto import = [&](const CompileOptions &trial)
      -> Result<mlir::OwningOpRef<mlir::ModuleOp>> {
    SLUICE_ASSIGN_OR_RETURN(ImportedModel model,
                            importModel(context, flags.modelDir, trial));
    return std::move(model.module);
  };
  SLUICE_ASSIGN_OR_RETURN(options.batch, planning.chooseBatch(options, import));
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

  mlir::TimingScope thinking = timing.nest("plan experts");
  CompileOptions options = flags.options;
  SLUICE_ASSIGN_OR_RETURN(Planning planning,
                          Planning::create(*model.module, options));
  options.routing = planning.routing();
  if (flags.autoBatch) {
    SLUICE_RETURN_IF_ERROR(chooseBatch(context, flags, planning, options));
    SLUICE_ASSIGN_OR_RETURN(model,
                            importModel(context, flags.modelDir, options));
  }
  thinking.stop();

  CompileHooks hooks;
  hooks.planner = [&](const ExpertSituation &situation) {
    return planning.decide(situation, options);
  };
  hooks.prepare = [&](mlir::PassManager &passes) {
    if (failed(mlir::applyPassManagerCLOptions(passes)))
      return Status(ErrorCode::InvalidArgument, "MLIR refuses its own flags");
    passes.enableTiming(timing);
    return Status::ok();
  };
  SLUICE_ASSIGN_OR_RETURN(
      CompiledModel compiled,
      compileModel(std::move(model.module), options, flags.stage, hooks));

  std::string explanation;
  if (flags.stage >= Stage::Plan) {
    MemoryTable memory = readMemory(*compiled.module);
    SLUICE_RETURN_IF_ERROR(checkBudgets(memory, options));
    if (!compiled.dynamic && (options.experts != ExpertMode::Auto ||
                              options.schedule == ScheduleKind::Serial))
      logInfo("all experts stay on the GPU: --experts and --schedule change "
              "nothing without a smaller --gpu-memory");
    const std::string schedule = planning.finish(*compiled.module, options);
    if (flags.explain)
      explanation = explain(memory, options) + schedule;
  }
  mlir::TimingScope writing = timing.nest("write result");
  SLUICE_ASSIGN_OR_RETURN(std::string content,
                          serialize(*compiled.module, flags.stage));
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
