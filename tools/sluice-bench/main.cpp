//===- main.cpp - sluice-bench: measures a plan ---------------------------===//

#include "tools/sluice-bench/bus.h"
#include "tools/sluice-bench/measure.h"
#include "tools/sluice-bench/options.h"
#include "tools/sluice-bench/policies.h"
#include "tools/sluice-bench/rows.h"
#include "tools/sluice-run/files.h"
#include "tools/sluice-run/session.h"
#include "tools/support/log.h"
#include "tools/support/output_file.h"
#include "tools/support/routing_choice.h"

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

/// Layers of the plan that have experts.
uint32_t expertLayers(const plan::fb::Plan &plan) {
  uint32_t layers = 0;
  for (const plan::fb::Port *port : *plan.entries()->Get(0)->outputs())
    layers += port->role() == plan::fb::Role::ExpertIds;
  return layers;
}

/// The theory's model with the plan's experts and layers.
Result<MultiBatchModel> multiBatchModelOf(const plan::Plan &plan,
                                          MultiBatchModel model) {
  model.experts = plan.get().model()->experts();
  model.topK = plan.get().model()->top_k();
  model.layers = expertLayers(plan.get());
  if (Status status = model.validate(); !status)
    return Status(status.code(), plan.name() + ": no model with experts");
  return model;
}

/// The tokens for all tests. A sequence has the same ones in each.
Result<TokenTrace> makeTrace(const BenchOptions &options, Executor &executor,
                             const std::vector<Test> &tests) {
  uint32_t sequences = 0, length = 0;
  for (const Test &test : tests) {
    sequences = std::max(sequences, test.sequences);
    length = std::max(length, test.depth + test.tokens);
  }
  const uint32_t vocab = executor.plan().get().model()->vocab();
  if (!options.promptIdsFile.empty())
    return TokenTrace::fromFile(options.promptIdsFile, vocab, sequences,
                                length);
  if (replacesRouter(options.routing) || options.synthetic)
    return TokenTrace::random(vocab, sequences, length);
  logInfo("the model makes the tokens to run on: " + std::to_string(sequences) +
          " sequences of " + std::to_string(length));
  return TokenTrace::fromModel(executor, sequences, length);
}

/// One bench of one loaded plan.
class BenchRun {
public:
  BenchRun(const BenchOptions &options, Session &session,
           const TokenTrace &trace)
      : options(options), session(session), bench(*session.executor, trace),
        routing(replacesRouter(options.routing) ? options.routing : "model") {}

  /// Measures each test and reports it at once.
  Status run(const std::vector<Test> &tests);

private:
  Result<Measurement> measure(const Test &test);
  Status rows(const std::vector<Test> &tests, Report &report);
  Status sweep(const std::vector<Test> &tests, Report &report);
  Status theory(const std::vector<Test> &tests, Report &report);

  const BenchOptions &options;
  Session &session;
  Bench bench;
  std::string routing;
  double busRate = 0;
};

Result<Measurement> BenchRun::measure(const Test &test) {
  BusyTest busy;
  std::function<Status(uint32_t)> behind;
  if (options.bubbles)
    behind = [&](uint32_t repetition) {
      const bool isLast = repetition + 1 == options.repetitions;
      return busy.repeat(*session.backend, bench, test,
                         isLast ? options.trace : std::string());
    };
  SLUICE_ASSIGN_OR_RETURN(Measurement measured,
                          bench.measure(test, options.repetitions, behind));
  measured.busRate = busRate;
  if (options.bubbles) {
    measured.busBusy = busy.busShare();
    measured.bubbleShare = busy.bubbleShare();
    measured.busyBusRate = busy.busRate();
    measured.busyHostRate = busy.hostRate();
  }
  return measured;
}

Status BenchRun::rows(const std::vector<Test> &tests, Report &report) {
  const std::string traceName =
      !options.promptIdsFile.empty() ? options.promptIdsFile
      : replacesRouter(options.routing) || options.synthetic ? "random"
                                                             : "model";
  for (const Test &test : tests) {
    SLUICE_ASSIGN_OR_RETURN(Measurement measured, measure(test));
    report.row(benchRow(session, test, measured, traceName, routing));
  }
  return Status::ok();
}

Status BenchRun::sweep(const std::vector<Test> &tests, Report &report) {
  SLUICE_ASSIGN_OR_RETURN(
      MultiBatchModel model,
      multiBatchModelOf(session.executor->plan(), options.model));
  const Test *firstTest = nullptr;
  Measurement first;
  for (const Test &test : tests) {
    SLUICE_ASSIGN_OR_RETURN(Measurement measured, measure(test));
    if (!firstTest) {
      firstTest = &test;
      first = measured;
    }
    report.row(sweepRow(model, {test, measured, *firstTest, first,
                                session.backend->name(), routing}));
  }
  return Status::ok();
}

/// The formula of each n, beside it the test of as many sequences. Both
/// speed-ups are over n = 1, so `tests` has that whatever was asked for.
Status BenchRun::theory(const std::vector<Test> &tests, Report &report) {
  SLUICE_ASSIGN_OR_RETURN(
      MultiBatchModel model,
      multiBatchModelOf(session.executor->plan(), options.model));
  auto testOf = [&](uint32_t sequences) {
    return std::ranges::find(tests, sequences, &Test::sequences);
  };
  const Test &one = *testOf(1);
  SLUICE_ASSIGN_OR_RETURN(const Measurement first, measure(one));
  for (uint32_t batches : options.batches) {
    ReportRow row = theoryRow(model, batches);
    if (const auto test = testOf(batches); test == tests.end()) {
      addRun(row, model, nullptr);
    } else {
      Measurement measured = first;
      if (batches != 1) {
        SLUICE_ASSIGN_OR_RETURN(measured, measure(*test));
      }
      const Swept swept{*test,  measured, one, first, session.backend->name(),
                        routing};
      addRun(row, model, &swept);
    }
    report.row(row);
  }
  return Status::ok();
}

Status BenchRun::run(const std::vector<Test> &tests) {
  SLUICE_ASSIGN_OR_RETURN(
      busRate, measureBus(*session.backend, session.executor->plan().get()));
  Report report(
      std::cout, options.format,
      options.theory ? theoryColumns(/*withRun=*/true)
      : options.sweepN
          ? sweepColumns()
          : benchColumns(session.executor->movesExperts(), options.bubbles));
  Status measured = options.theory   ? theory(tests, report)
                    : options.sweepN ? sweep(tests, report)
                                     : rows(tests, report);
  Status written = report.finish();
  return measured ? std::move(written) : std::move(measured);
}

/// What is measured of a plan. Without -b a sweep goes as far as the plan does;
/// the theory does anyway, and needs n = 1 to compare with.
std::vector<Test> testsFor(const BenchOptions &options,
                           const plan::fb::Plan &plan) {
  std::vector<Test> tests = testsOf(options);
  if (options.theory || (options.sweepN && !options.batchesGiven))
    std::erase_if(tests, [&](const Test &test) {
      return test.sequences > plan.model()->max_sequences();
    });
  if (options.theory &&
      std::ranges::find(tests, 1u, &Test::sequences) == tests.end())
    tests.push_back(
        {EntryPoint::Decode, 1, options.depths.front(), options.news.front()});
  return tests;
}

Status bench(const BenchOptions &options) {
  SLUICE_RETURN_IF_ERROR(checkOutput("--trace", options.trace));
  SLUICE_RETURN_IF_ERROR(checkOutput("--trace-out", options.traceOut));
  // What the plan cannot run is refused before its weights are read.
  std::vector<Test> tests;
  {
    SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(options.plan));
    if (options.sweepN || options.theory)
      SLUICE_RETURN_IF_ERROR(
          multiBatchModelOf(*plan, options.model).takeStatus());
    tests = testsFor(options, plan->get());
    for (const Test &test : tests)
      SLUICE_RETURN_IF_ERROR(test.fits(plan->get()));
  }
  RunOptions run;
  run.plan = options.plan;
  run.modelDir = options.modelDir;
  run.backend = options.backend;
  run.hardware = options.hardware;
  run.routing = options.routing;
  run.policy = options.policy;
  run.threads = options.threads;
  run.synthetic = options.synthetic;
  SLUICE_ASSIGN_OR_RETURN(Session session, openSession(run));
  SLUICE_ASSIGN_OR_RETURN(TokenTrace trace,
                          makeTrace(options, *session.executor, tests));
  if (!options.traceOut.empty())
    SLUICE_RETURN_IF_ERROR(writeIds(options.traceOut, trace.lists()));
  return BenchRun(options, session, trace).run(tests);
}

/// The formula alone.
Status printTheory(const BenchOptions &options) {
  Report report(std::cout, options.format, theoryColumns(/*withRun=*/false));
  for (uint32_t batches : options.batches)
    report.row(theoryRow(options.model, batches));
  return report.finish();
}

/// Hit rates on recorded routing.
Status printPolicies(const BenchOptions &options) {
  Report report(std::cout, options.format, policyColumns());
  SLUICE_RETURN_IF_ERROR(
      reportPolicies(options.policiesFile, options.batches, report));
  return report.finish();
}

} // namespace

int main(int argc, char **argv) {
  initLog("sluice-bench");
  int exitCode = kDone;
  auto options = parseBenchOptions(argc, argv, exitCode);
  if (!options)
    return exitCode;
  Status status = !options->policiesFile.empty() ? printPolicies(*options)
                  : options->plan.empty()        ? printTheory(*options)
                                                 : bench(*options);
  return status ? kDone : fail(status);
}
