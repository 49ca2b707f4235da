//===- generate.cpp - Prompts in, tokens out ------------------------------===//

#include "runtime/decode/generate.h"

#include "runtime/decode/routing_recorder.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace sluice {

using plan::fb::Role;

namespace {

/// The row limit of an entry point; the plan's verifier saw to it that it
/// exists.
uint32_t maxRows(const plan::fb::Plan &plan, EntryPoint point) {
  const std::string_view name =
      point == EntryPoint::Prefill ? "prefill" : "decode";
  for (const plan::fb::Entry *entry : *plan.entries())
    if (entry->name()->string_view() == name)
      return entry->max_rows();
  return 0;
}

std::span<int32_t> ints(std::span<std::byte> bytes) {
  return {reinterpret_cast<int32_t *>(bytes.data()),
          bytes.size() / sizeof(int32_t)};
}

} // namespace

struct Generator::Run {
  std::span<const std::vector<int32_t>> prompts;
  const GenerateOptions &options;
  const GenerateObserver &observer;
  std::vector<std::vector<int32_t>> &outputs;
  GenerateMetrics &metrics;
  std::vector<Sampler> samplers;
  double startUs;
  uint32_t nextPrompt = 0;
};

double Generator::millisecondsSince(double startUs) const {
  return (executor.clockUs() - startUs) / 1e3;
}

Generator::Generator(Executor &executor)
    : executor(executor), model(*executor.plan().get().model()),
      prefillRows(maxRows(executor.plan().get(), EntryPoint::Prefill)),
      pages(model.max_sequences(), model.pages_per_sequence(), model.pages(),
            model.page_tokens()),
      running(model.max_sequences()), logitSequences(model.max_sequences()),
      rowPrompts(std::max(prefillRows,
                          maxRows(executor.plan().get(), EntryPoint::Decode))) {
}

bool Generator::isStop(int32_t token) const {
  const auto *stops = model.stop_tokens();
  return stops && std::find(stops->begin(), stops->end(),
                            static_cast<uint32_t>(token)) != stops->end();
}

Status
Generator::checkPrompts(std::span<const std::vector<int32_t>> prompts) const {
  for (size_t i = 0; i < prompts.size(); ++i) {
    const std::vector<int32_t> &prompt = prompts[i];
    const std::string who = "prompt " + std::to_string(i);
    if (prompt.empty())
      return Status(ErrorCode::InvalidArgument,
                    who + " is empty, expected at least one token");
    if (prompt.size() > model.max_positions())
      return Status(ErrorCode::InvalidArgument,
                    who + " has " + std::to_string(prompt.size()) +
                        " tokens; the plan holds " +
                        std::to_string(model.max_positions()) +
                        " a sequence (sluice-compile --max-seq)");
    for (int32_t token : prompt)
      if (token < 0 || static_cast<uint32_t>(token) >= model.vocab())
        return Status(ErrorCode::InvalidArgument,
                      who + " has token id " + std::to_string(token) +
                          ", expected 0 to " +
                          std::to_string(model.vocab() - 1));
  }
  return Status::ok();
}

Status Generator::generate(std::span<const std::vector<int32_t>> prompts,
                           const GenerateOptions &options,
                           const GenerateObserver &observer,
                           std::vector<std::vector<int32_t>> &outputs,
                           GenerateMetrics &metrics) {
  SLUICE_RETURN_IF_ERROR(options.sampling.validate());
  SLUICE_RETURN_IF_ERROR(checkPrompts(prompts));
  metrics = {};
  outputs.assign(prompts.size(), {});
  Run run{prompts, options, observer, outputs, metrics, {}, executor.clockUs()};
  run.samplers.reserve(prompts.size());
  uint64_t rows = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    // The last token made needs no position: it is not read again.
    uint64_t room = model.max_positions() - prompts[i].size() + 1;
    uint64_t most = std::min<uint64_t>(options.maxTokens, room);
    outputs[i].reserve(most);
    rows += prompts[i].size() + most;
    run.samplers.emplace_back(options.sampling, i, model.vocab());
    metrics.promptTokens += prompts[i].size();
  }
  if (observer.recorder)
    observer.recorder->reserve(rows);

  Status status;
  for (bool ran = true; ran && status.isOk();) {
    admit(run);
    status = prefillStep(run, ran);
    if (status.isOk() && !ran)
      status = decodeStep(run, ran);
  }
  // After an error the generator must be usable again.
  for (uint32_t sequence = 0; sequence < running.size(); ++sequence) {
    pages.release(sequence);
    running[sequence] = {};
  }
  return status;
}

/// Gives waiting prompts the free sequences, in order.
void Generator::admit(Run &run) {
  for (Running &place : running) {
    if (place.prompt)
      continue;
    if (run.nextPrompt == run.prompts.size())
      return;
    place = {.prompt = run.nextPrompt++};
  }
}

/// One step of the prefill entry over as many waiting prompt tokens as fit.
/// `ran` is false when no prompt waits.
Status Generator::prefillStep(Run &run, bool &ran) {
  constexpr auto entry = EntryPoint::Prefill;
  auto tokens = ints(executor.input(entry, Role::Tokens));
  auto positions = ints(executor.input(entry, Role::Positions));
  auto sequences = ints(executor.input(entry, Role::Sequences));
  auto logitRows = ints(executor.input(entry, Role::LogitRowIds));
  uint32_t rows = 0, wanted = 0;
  for (uint32_t sequence = 0; sequence < running.size(); ++sequence) {
    Running &place = running[sequence];
    if (!place.prompt)
      continue;
    const std::vector<int32_t> &prompt = run.prompts[*place.prompt];
    const auto length = static_cast<uint32_t>(prompt.size());
    const uint32_t end =
        std::min(length, place.prefilled + (prefillRows - rows));
    if (place.prefilled == end)
      continue;
    SLUICE_RETURN_IF_ERROR(pages.reserve(sequence, end));
    for (; place.prefilled < end; ++place.prefilled, ++rows) {
      tokens[rows] = prompt[place.prefilled];
      positions[rows] = static_cast<int32_t>(place.prefilled);
      sequences[rows] = static_cast<int32_t>(sequence);
      rowPrompts[rows] = *place.prompt;
    }
    if (end == length) {
      logitRows[wanted] = static_cast<int32_t>(rows - 1);
      logitSequences[wanted++] = sequence;
    }
  }
  ran = rows > 0;
  if (!ran)
    return Status::ok();

  const double startUs = executor.clockUs();
  SLUICE_RETURN_IF_ERROR(execute(run, entry, rows, wanted));
  run.metrics.prefillMs += millisecondsSince(startUs);
  auto logits = executor.output(entry, Role::Logits, 0);
  for (uint32_t i = 0; i < wanted; ++i) {
    Running &place = running[logitSequences[i]];
    std::span<const float> row(reinterpret_cast<const float *>(logits.data()) +
                                   size_t{i} * model.vocab(),
                               model.vocab());
    if (run.observer.promptLogits)
      run.observer.promptLogits(*place.prompt, row);
    place.position = static_cast<uint32_t>(run.prompts[*place.prompt].size());
    accept(run, logitSequences[i], row);
  }
  return Status::ok();
}

/// One step of the decode entry: a token of every running sequence.
Status Generator::decodeStep(Run &run, bool &ran) {
  constexpr auto entry = EntryPoint::Decode;
  auto tokens = ints(executor.input(entry, Role::Tokens));
  auto positions = ints(executor.input(entry, Role::Positions));
  auto sequences = ints(executor.input(entry, Role::Sequences));
  auto logitRows = ints(executor.input(entry, Role::LogitRowIds));
  uint32_t rows = 0;
  for (uint32_t sequence = 0; sequence < running.size(); ++sequence) {
    const Running &place = running[sequence];
    if (!place.prompt)
      continue;
    SLUICE_RETURN_IF_ERROR(pages.reserve(sequence, place.position + 1));
    tokens[rows] = place.next;
    positions[rows] = static_cast<int32_t>(place.position);
    sequences[rows] = static_cast<int32_t>(sequence);
    logitRows[rows] = static_cast<int32_t>(rows);
    rowPrompts[rows] = *place.prompt;
    logitSequences[rows++] = sequence;
  }
  ran = rows > 0;
  if (!ran)
    return Status::ok();

  const double startUs = executor.clockUs();
  SLUICE_RETURN_IF_ERROR(execute(run, entry, rows, rows));
  run.metrics.decodeMs += millisecondsSince(startUs);
  ++run.metrics.decodeSteps;
  run.metrics.decodeTokens += rows;
  auto logits = executor.output(entry, Role::Logits, 0);
  for (uint32_t i = 0; i < rows; ++i) {
    Running &place = running[logitSequences[i]];
    std::span<const float> row(reinterpret_cast<const float *>(logits.data()) +
                                   size_t{i} * model.vocab(),
                               model.vocab());
    if (run.observer.stepLogits)
      run.observer.stepLogits(*place.prompt, row);
    ++place.position;
    accept(run, logitSequences[i], row);
  }
  return Status::ok();
}

Status Generator::execute(Run &run, EntryPoint entry, uint32_t rows,
                          uint32_t logitRows) {
  auto table = pages.table();
  auto input = executor.input(entry, Role::PageTable);
  std::memcpy(input.data(), table.data(),
              std::min(input.size(), table.size_bytes()));
  RoutingRecorder *recorder = run.observer.recorder;
  SLUICE_RETURN_IF_ERROR(
      executor.execute(entry, rows, logitRows, recorder != nullptr));
  run.metrics.routedRows += rows;
  if (recorder)
    recorder->record(executor, entry, std::span(rowPrompts).first(rows));
  return Status::ok();
}

/// Samples from a sequence's logits; the token is its next input unless it ends
/// the sequence.
void Generator::accept(Run &run, uint32_t sequence,
                       std::span<const float> logits) {
  Running &place = running[sequence];
  const uint32_t prompt = *place.prompt;
  std::vector<int32_t> &output = run.outputs[prompt];
  if (run.options.maxTokens == 0)
    return finish(run, sequence);
  place.next = run.samplers[prompt].sample(logits);
  output.push_back(place.next);
  if (++run.metrics.tokens == 1)
    run.metrics.ttftMs = millisecondsSince(run.startUs);
  const bool stopped = !run.options.ignoreStop && isStop(place.next);
  if (!stopped && run.observer.token)
    run.observer.token(prompt, place.next);
  if (stopped || output.size() == run.options.maxTokens ||
      place.position == model.max_positions())
    finish(run, sequence);
}

void Generator::finish(Run &run, uint32_t sequence) {
  const uint32_t prompt = *running[sequence].prompt;
  pages.release(sequence);
  running[sequence] = {};
  if (run.observer.finished)
    run.observer.finished(prompt);
}

} // namespace sluice
