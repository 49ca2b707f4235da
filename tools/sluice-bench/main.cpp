//===- main.cpp - sluice-bench: measures a plan ---------------------------===//

#include "tools/sluice-bench/measure.h"
#include "tools/sluice-bench/options.h"
#include "tools/sluice-bench/rows.h"
#include "tools/sluice-run/files.h"
#include "tools/sluice-run/session.h"
#include "tools/support/log.h"

#include <algorithm>
#include <iostream>

using namespace sluice;
using namespace sluice::tools;

namespace {

/// Every combination of the sweeps: by batch, depth, then prompts before
/// generation, as they were given.
std::vector<Test> testsOf(const BenchOptions &options) {
  std::vector<Test> tests;
  for (uint32_t batch : options.batches)
    for (uint32_t depth : options.depths) {
      for (uint32_t tokens : options.prompts)
        tests.push_back({EntryPoint::Prefill, batch, depth, tokens});
      for (uint32_t tokens : options.news)
        tests.push_back({EntryPoint::Decode, batch, depth, tokens});
    }
  std::erase_if(tests, [](const Test &test) { return test.tokens == 0; });
  return tests;
}

/// The tokens for all tests. A sequence has the same ones in each.
Result<TokenTrace> makeTrace(const BenchOptions &options, Executor &executor,
                             const std::vector<Test> &tests) {
  uint32_t sequences = 0, length = 0;
  for (const Test &test : tests) {
    sequences = std::max(sequences, test.sequences);
    length = std::max(length, test.depth + test.tokens);
  }
  if (!options.promptIdsFile.empty())
    return TokenTrace::fromFile(options.promptIdsFile,
                                executor.plan().get().model()->vocab(),
                                sequences, length);
  logInfo("the model makes the tokens to run on: " + std::to_string(sequences) +
          " sequences of " + std::to_string(length));
  return TokenTrace::fromModel(executor, sequences, length);
}

Status measureAll(const BenchOptions &options, Session &session,
                  const std::vector<Test> &tests, const TokenTrace &trace,
                  Report &report) {
  const std::string traceName =
      options.promptIdsFile.empty() ? "model" : options.promptIdsFile;
  Bench bench(*session.executor, trace);
  for (const Test &test : tests) {
    SLUICE_ASSIGN_OR_RETURN(Measurement measured,
                            bench.measure(test, options.repetitions));
    report.row(benchRow(session, test, measured, traceName));
  }
  return Status::ok();
}

Status bench(const BenchOptions &options) {
  // What the plan cannot run is refused before its weights are read.
  const std::vector<Test> tests = testsOf(options);
  {
    SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(options.plan));
    for (const Test &test : tests)
      SLUICE_RETURN_IF_ERROR(test.fits(plan->get()));
  }
  RunOptions run;
  run.plan = options.plan;
  run.modelDir = options.modelDir;
  run.backend = options.backend;
  run.threads = options.threads;
  SLUICE_ASSIGN_OR_RETURN(Session session, openSession(run));
  SLUICE_ASSIGN_OR_RETURN(TokenTrace trace,
                          makeTrace(options, *session.executor, tests));
  if (!options.traceOut.empty())
    SLUICE_RETURN_IF_ERROR(writeIds(options.traceOut, trace.lists()));

  Report report(std::cout, options.format, benchColumns());
  Status measured = measureAll(options, session, tests, trace, report);
  Status written = report.finish();
  return measured ? std::move(written) : std::move(measured);
}

/// Layers of the plan that have experts.
uint32_t expertLayers(const plan::fb::Plan &plan) {
  uint32_t layers = 0;
  for (const plan::fb::Port *port : *plan.entries()->Get(0)->outputs())
    layers += port->role() == plan::fb::Role::ExpertIds;
  return layers;
}

Status theory(const BenchOptions &options) {
  MultiBatchModel model = options.model;
  if (!options.plan.empty()) {
    SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(options.plan));
    model.experts = plan->get().model()->experts();
    model.topK = plan->get().model()->top_k();
    model.layers = expertLayers(plan->get());
    if (Status status = model.validate(); !status)
      return Status(status.code(), options.plan + ": no model with experts");
  }
  Report report(std::cout, options.format, theoryColumns());
  for (uint32_t batches : options.batches)
    report.row(theoryRow(model, batches));
  return report.finish();
}

} // namespace

int main(int argc, char **argv) {
  initLog("sluice-bench");
  int exitCode = kDone;
  auto options = parseBenchOptions(argc, argv, exitCode);
  if (!options)
    return exitCode;
  Status status = options->theory ? theory(*options) : bench(*options);
  return status ? kDone : fail(status);
}
