//===- flags.cpp - The command line of sluice-compile ---------------------===//

#include "tools/sluice-compile/flags.h"

#include "compiler/pipeline/pipeline.h"
#include "runtime/plan/version.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <initializer_list>
#include <utility>

namespace cl = llvm::cl;

namespace sluice::tools {
namespace {

cl::OptionCategory category("Compiling");

/// Made when main asks for them: libMLIR's own flags are registered first.
struct Flags {
  cl::opt<std::string> modelDir{cl::Positional, cl::desc("MODEL_DIR"),
                                cl::cat(category)};
  cl::opt<std::string> output{
      "o", cl::value_desc("file"), cl::cat(category),
      cl::desc("Where the plan goes; IR goes to stdout without it")};
  cl::opt<std::string> stage{
      "emit", cl::value_desc("stage"), cl::cat(category),
      cl::init("flatbuffer"),
      cl::desc("Where to stop: llm (what is computed), expert (where experts "
               "are), plan (streams and addresses) or flatbuffer (the file)")};
  cl::opt<bool> explain{"explain", cl::cat(category),
                        cl::desc("Print the itemised memory table")};
  cl::opt<std::string> gpuMemory{
      "gpu-memory", cl::value_desc("bytes"), cl::cat(category),
      cl::desc("GPU memory the plan may use, as 12GiB; default: no limit")};
  cl::opt<std::string> hostMemory{
      "host-memory", cl::value_desc("bytes"), cl::cat(category),
      cl::desc("Pinned host memory the plan may use; default: no limit")};
  cl::opt<std::string> batch{"batch", cl::value_desc("n"), cl::cat(category),
                             cl::init("1"),
                             cl::desc("Sequences that run at once (1), or "
                                      "auto: the planner's choice")};
  cl::opt<std::string> maxSeq{
      "max-seq", cl::value_desc("tokens"), cl::cat(category),
      cl::desc("Most tokens of a sequence (the least of 4096 and the model's "
               "positions)")};
  cl::opt<std::string> prefillRows{
      "prefill-rows", cl::value_desc("n"), cl::cat(category),
      cl::desc("Most tokens of a prefill step (512)")};
  cl::opt<std::string> activations{
      "activations", cl::value_desc("type"), cl::cat(category),
      cl::init("bf16"),
      cl::desc("Type of activations and of the KV cache: bf16 (default) or "
               "f32")};
  cl::opt<std::string> arithmetic{
      "arithmetic", cl::value_desc("class"), cl::cat(category),
      cl::init("auto"),
      cl::desc("Arithmetic of dense layers: auto (matrix units where rows are "
               "many) or portable (the same bits on every backend)")};
  cl::list<std::string> disabled{
      "disable-pass", cl::value_desc("name"), cl::cat(category),
      cl::desc("Leave out an optimisation: the same tokens, more slowly")};
  cl::opt<std::string> hardware{
      "hardware", cl::value_desc("file"), cl::cat(category),
      cl::desc("hw.json of the machine, from sluice-profile; default: built-in "
               "conservative figures")};
  cl::opt<std::string> routing{
      "routing", cl::value_desc("file"), cl::cat(category),
      cl::desc("Routing that sluice-run --record-routing wrote: which experts "
               "are likely, and which follow which")};
  cl::opt<std::string> experts{
      "experts", cl::value_desc("way"), cl::cat(category), cl::init("auto"),
      cl::desc("Who computes missing experts: fetch (the GPU, after the bus "
               "has brought them), host (the CPU), split (both) or auto (the "
               "planner's choice)")};
  cl::opt<std::string> schedule{
      "schedule", cl::value_desc("kind"), cl::cat(category),
      cl::init("planned"),
      cl::desc("planned, or serial: the baseline without overlap, union and "
               "cache")};
  // Named by the design, not built yet: refused rather than ignored.
  cl::opt<std::string> draft{"draft", cl::Hidden, cl::cat(category)};
  cl::opt<std::string> draftTokens{"draft-tokens", cl::Hidden,
                                   cl::cat(category)};
};

Status badUsage(std::string message) {
  return Status(ErrorCode::InvalidArgument, std::move(message));
}

/// The first line of what LLVM's parser said, without the program's name.
std::string firstLine(llvm::StringRef text, llvm::StringRef program) {
  text = text.trim().split('\n').first;
  text.consume_front(llvm::sys::path::filename(program));
  text.consume_front(": ");
  return text.empty() ? ""
                      : text.split("  Try: '").first.str() + " (see --help)";
}

/// One of `choices`: what each word means.
template <typename T>
Status parseWord(const cl::opt<std::string> &flag, T &value,
                 std::initializer_list<std::pair<const char *, T>> choices) {
  std::string expected;
  for (auto [word, meaning] : choices) {
    if (flag.getValue() == word) {
      value = meaning;
      return Status::ok();
    }
    expected += (expected.empty() ? "" : ", ") + std::string(word);
  }
  return badUsage("--" + flag.ArgStr.str() + " is '" + flag.getValue() +
                  "', expected one of " + expected);
}

Status parseCount(const cl::opt<std::string> &flag, int64_t &count) {
  llvm::StringRef text = flag;
  if (!text.getAsInteger(10, count) && count >= 1)
    return Status::ok();
  return badUsage("--" + flag.ArgStr.str() + " is '" + text.str() +
                  "', expected a whole number of at least 1");
}

Status parseCount(const cl::opt<std::string> &flag,
                  std::optional<int64_t> &count) {
  if (flag.getNumOccurrences() == 0)
    return Status::ok();
  return parseCount(flag, count.emplace());
}

Status parseMemory(const cl::opt<std::string> &flag,
                   std::optional<uint64_t> &bytes) {
  if (flag.getNumOccurrences() == 0)
    return Status::ok();
  Result<uint64_t> parsed = parseBytes(flag.getValue());
  if (!parsed)
    return badUsage("--" + flag.ArgStr.str() + ": " +
                    std::string(parsed.status().message()));
  bytes = *parsed;
  return Status::ok();
}

Status refuseUnbuilt(const Flags &flags) {
  for (const auto *flag : {&flags.draft, &flags.draftTokens})
    if (flag->getNumOccurrences() != 0)
      return badUsage("--" + flag->ArgStr.str() +
                      " is not supported by this version");
  return Status::ok();
}

} // namespace

Result<CompileFlags> parseFlags(int argc, char **argv) {
  mlir::registerMLIRContextCLOptions();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  Flags flags;
  // MLIR's flags stay in --help-hidden; those that people use are named below.
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter(
      [](llvm::raw_ostream &out) { out << plan::kCompiler << "\n"; });
  std::string said;
  llvm::raw_string_ostream errors(said);
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Compiles a Hugging Face checkpoint into a plan for sluice-run.\n"
          "Also: --mlir-print-ir-after-all, --mlir-timing and MLIR's other "
          "flags (--help-hidden).\n",
          &errors))
    return badUsage(firstLine(said, argv[0]));

  CompileFlags result;
  SLUICE_RETURN_IF_ERROR(refuseUnbuilt(flags));
  result.modelDir = flags.modelDir;
  result.output = flags.output;
  result.explain = flags.explain;
  CompileOptions &options = result.options;
  SLUICE_RETURN_IF_ERROR(parseWord(flags.stage, result.stage,
                                   {{"llm", Stage::Llm},
                                    {"expert", Stage::Expert},
                                    {"plan", Stage::Plan},
                                    {"flatbuffer", Stage::Flatbuffer}}));
  SLUICE_RETURN_IF_ERROR(
      parseWord(flags.activations, options.activations,
                {{"bf16", DType::BF16}, {"f32", DType::F32}}));
  SLUICE_RETURN_IF_ERROR(parseWord(flags.arithmetic, options.arithmetic,
                                   {{"auto", ArithmeticChoice::Auto},
                                    {"portable", ArithmeticChoice::Portable}}));
  options.disabledPasses.assign(flags.disabled.begin(), flags.disabled.end());
  SLUICE_RETURN_IF_ERROR(checkDisabledPasses(options));
  SLUICE_RETURN_IF_ERROR(parseWord(flags.experts, options.experts,
                                   {{"fetch", ExpertMode::Fetch},
                                    {"host", ExpertMode::Host},
                                    {"split", ExpertMode::Split},
                                    {"auto", ExpertMode::Auto}}));
  SLUICE_RETURN_IF_ERROR(parseWord(
      flags.schedule, options.schedule,
      {{"planned", ScheduleKind::Planned}, {"serial", ScheduleKind::Serial}}));
  if (options.schedule == ScheduleKind::Serial &&
      options.experts != ExpertMode::Auto &&
      options.experts != ExpertMode::Fetch)
    return badUsage("--schedule serial moves every expert: --experts is '" +
                    flags.experts.getValue() + "', expected fetch or auto");
  options.hardwareFile = flags.hardware;
  options.routingFile = flags.routing;
  result.autoBatch = llvm::StringRef(flags.batch) == "auto";
  if (!result.autoBatch)
    SLUICE_RETURN_IF_ERROR(parseCount(flags.batch, options.batch));
  if (options.batch > CompileOptions::kMaxBatch)
    return badUsage("--batch is " + std::to_string(options.batch) +
                    ", expected at most " +
                    std::to_string(CompileOptions::kMaxBatch));
  SLUICE_RETURN_IF_ERROR(parseCount(flags.maxSeq, options.maxSeq));
  SLUICE_RETURN_IF_ERROR(parseCount(flags.prefillRows, options.prefillRows));
  SLUICE_RETURN_IF_ERROR(parseMemory(flags.gpuMemory, options.gpuMemory));
  SLUICE_RETURN_IF_ERROR(parseMemory(flags.hostMemory, options.hostMemory));
  if (result.modelDir.empty())
    return badUsage("expected a model directory: sluice-compile MODEL_DIR -o "
                    "m.plan (see --help)");
  if (result.output.empty() && result.stage == Stage::Flatbuffer)
    return badUsage("expected -o m.plan: where the plan goes");
  if (result.explain && result.output.empty())
    return badUsage("--explain prints to stdout, as the IR would: give -o");
  if (result.explain && result.stage < Stage::Plan)
    return badUsage("--explain needs --emit plan or flatbuffer: no memory is "
                    "planned before");
  return result;
}

} // namespace sluice::tools
