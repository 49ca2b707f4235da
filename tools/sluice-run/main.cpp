//===- main.cpp - sluice-run: runs a plan ---------------------------------===//

#include "tools/sluice-run/chat.h"
#include "tools/sluice-run/figures.h"
#include "tools/sluice-run/files.h"
#include "tools/sluice-run/options.h"
#include "tools/sluice-run/printer.h"
#include "tools/sluice-run/session.h"
#include "tools/support/log.h"
#include "tools/support/output_file.h"
#include "tools/support/trace_json.h"

#include "runtime/decode/routing_recorder.h"
#include "runtime/executor/bubbles.h"

#include <filesystem>
#include <iostream>

using namespace sluice;
using namespace sluice::tools;

namespace {

/// The checkpoint's tokenizer; nothing when it has none and the prompts are
/// ids.
Result<std::optional<text::Tokenizer>> openTokenizer(const RunOptions &options,
                                                     const Session &session) {
  const std::string path =
      (std::filesystem::path(session.modelDir) / "tokenizer.json").string();
  std::error_code error;
  if (!options.promptIdsFile.empty() && !std::filesystem::exists(path, error))
    return std::optional<text::Tokenizer>();
  const auto &model = *session.executor->plan().get().model();
  SLUICE_ASSIGN_OR_RETURN(
      auto tokenizer,
      text::Tokenizer::open(path, {.modelVocabulary = model.vocab()}));
  return std::optional(std::move(tokenizer));
}

Result<TokenLists>
readPrompts(const RunOptions &options,
            const std::optional<text::Tokenizer> &tokenizer) {
  if (!options.promptIdsFile.empty())
    return readPromptIds(options.promptIdsFile);
  TokenLists prompts;
  for (const std::string &prompt : options.prompts) {
    SLUICE_ASSIGN_OR_RETURN(auto ids, tokenizer->encode(prompt));
    prompts.push_back(std::move(ids));
  }
  return prompts;
}

/// Writes the trace of the run; its bubble share.
Result<std::optional<double>> finishTrace(const RunOptions &options,
                                          Session &session) {
  SLUICE_ASSIGN_OR_RETURN(auto spans, session.backend->takeTrace());
  SLUICE_RETURN_IF_ERROR(
      writeTrace(options.trace, spans, "sluice-run " + options.plan));
  return bubbleShare(spans);
}

/// Continues the prompts once and writes every file that was asked for.
Status complete(const RunOptions &options, Session &session,
                const std::optional<text::Tokenizer> &tokenizer) {
  SLUICE_ASSIGN_OR_RETURN(TokenLists prompts, readPrompts(options, tokenizer));
  const auto &model = *session.executor->plan().get().model();
  Generator generator(*session.executor);
  Printer printer(std::cout, tokenizer, prompts.size(),
                  options.generate.maxTokens);
  LogitsFile logits(prompts.size(), model.vocab());
  RoutingRecorder recorder(*session.executor);

  GenerateObserver observer;
  observer.token = [&](uint32_t prompt, int32_t token) {
    printer.token(prompt, token);
  };
  observer.finished = [&](uint32_t prompt) { printer.finished(prompt); };
  if (!options.logitsOut.empty())
    observer.promptLogits = [&](uint32_t prompt, std::span<const float> row) {
      logits.addPrompt(prompt, row);
    };
  if (options.stepLogits)
    observer.stepLogits = [&](uint32_t prompt, std::span<const float> row) {
      logits.addStep(prompt, row);
    };
  if (!options.recordRouting.empty())
    observer.recorder = &recorder;

  TokenLists outputs;
  GenerateMetrics metrics;
  SLUICE_RETURN_IF_ERROR(generator.generate(prompts, options.generate, observer,
                                            outputs, metrics));
  SLUICE_RETURN_IF_ERROR(printer.finish());
  if (!options.idsOut.empty())
    SLUICE_RETURN_IF_ERROR(writeIds(options.idsOut, outputs));
  if (!options.logitsOut.empty())
    SLUICE_RETURN_IF_ERROR(logits.write(options.logitsOut));
  if (!options.recordRouting.empty())
    SLUICE_RETURN_IF_ERROR(recorder.write(options.recordRouting));

  ExpertCounters experts = expertCounters(session, metrics);
  if (!options.trace.empty()) {
    SLUICE_ASSIGN_OR_RETURN(experts.bubbleShare, finishTrace(options, session));
  }
  const RunFacts facts = factsOf(options, session, metrics);
  if (!options.metrics.empty())
    SLUICE_RETURN_IF_ERROR(
        writeMetrics(options.metrics, metrics, experts, facts));
  if (!options.quiet)
    logInfo(figuresLine(metrics, experts, facts));
  return Status::ok();
}

/// Whoever waits for a run should not learn at its end that a flag was wrong.
Status checkOutputs(const RunOptions &options) {
  SLUICE_RETURN_IF_ERROR(checkOutput("--ids-out", options.idsOut));
  SLUICE_RETURN_IF_ERROR(checkOutput("--logits-out", options.logitsOut));
  SLUICE_RETURN_IF_ERROR(checkOutput("--metrics", options.metrics));
  SLUICE_RETURN_IF_ERROR(
      checkOutput("--record-routing", options.recordRouting));
  return checkOutput("--trace", options.trace);
}

Status run(const RunOptions &options) {
  SLUICE_RETURN_IF_ERROR(checkOutputs(options));
  SLUICE_ASSIGN_OR_RETURN(Session session, openSession(options));
  SLUICE_ASSIGN_OR_RETURN(auto tokenizer, openTokenizer(options, session));
  if (!options.trace.empty())
    SLUICE_RETURN_IF_ERROR(session.backend->startTrace());
  if (!options.chat)
    return complete(options, session, tokenizer);
  SLUICE_RETURN_IF_ERROR(
      chat(options, session, *tokenizer, std::cin, std::cout));
  return options.trace.empty() ? Status::ok()
                               : finishTrace(options, session).takeStatus();
}

} // namespace

int main(int argc, char **argv) {
  initLog("sluice-run");
  int exitCode = kDone;
  auto options = parseOptions(argc, argv, exitCode);
  if (!options)
    return exitCode;
  Status status = run(*options);
  return status ? kDone : fail(status);
}
