//===- options.cpp - The command line of sluice-bench ---------------------===//

#include "tools/sluice-bench/options.h"

#include "tools/support/log.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

namespace sluice::tools {
namespace {

/// "512,64": whole numbers from `least`.
Result<std::vector<uint32_t>>
parseSweep(const char *flag, const std::string &text, uint32_t least) {
  std::vector<uint32_t> values;
  const char *at = text.data(), *end = at + text.size();
  while (true) {
    uint32_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || (next != end && *next != ',') || value < least)
      return Status(ErrorCode::InvalidArgument,
                    std::string(flag) + " is '" + text +
                        "', expected whole numbers from " +
                        std::to_string(least) + " with commas between");
    values.push_back(value);
    if (next == end)
      return values;
    at = next + 1;
  }
}

bool allZero(const std::vector<uint32_t> &values) {
  return std::all_of(values.begin(), values.end(),
                     [](uint32_t value) { return value == 0; });
}

/// The flags whose values CLI11 has taken as text.
struct Texts {
  std::string prompts = "512", news = "128", depths = "0", batches;
  bool promptsGiven = false;
  std::string format = "md", sweep;
};

/// --sweep n and --theory have a row an n, of generation alone: prompts and
/// lists would be rows that look alike.
Status checkSweep(const Texts &texts, BenchOptions &options) {
  const std::string mode = options.theory ? "--theory" : "--sweep n";
  if (texts.promptsGiven && !allZero(options.prompts))
    return Status(ErrorCode::InvalidArgument,
                  "-p is '" + texts.prompts + "', expected 0 or no -p: " +
                      mode + " measures generation alone");
  if (options.news.size() != 1 || options.news.front() == 0)
    return Status(ErrorCode::InvalidArgument,
                  "-n is '" + texts.news + "', expected one number from 1: " +
                      mode + " has a row for each -b alone");
  if (options.depths.size() != 1)
    return Status(ErrorCode::InvalidArgument,
                  "-d is '" + texts.depths + "', expected one number: " + mode +
                      " has a row for each -b alone");
  options.prompts = {0};
  return Status::ok();
}

Status finish(const Texts &texts, BenchOptions &options) {
  SLUICE_ASSIGN_OR_RETURN(options.prompts, parseSweep("-p", texts.prompts, 0));
  SLUICE_ASSIGN_OR_RETURN(options.news, parseSweep("-n", texts.news, 0));
  SLUICE_ASSIGN_OR_RETURN(options.depths, parseSweep("-d", texts.depths, 0));
  options.sweepN = !texts.sweep.empty();
  const std::string fallback = options.theory || options.sweepN
                                   ? "1,4,8,16,32,64,128"
                               : options.policiesFile.empty() ? "1"
                                                              : "1,8";
  SLUICE_ASSIGN_OR_RETURN(
      options.batches,
      parseSweep("-b", texts.batches.empty() ? fallback : texts.batches, 1));
  options.batchesGiven = !texts.batches.empty();
  options.format = texts.format == "csv"    ? Format::Csv
                   : texts.format == "json" ? Format::Json
                                            : Format::Markdown;
  if (!options.policiesFile.empty())
    return Status::ok();
  if (options.theory)
    SLUICE_RETURN_IF_ERROR(options.model.validate());
  if (options.theory || options.sweepN)
    SLUICE_RETURN_IF_ERROR(checkSweep(texts, options));
  if (options.plan.empty() && !options.theory)
    return Status(ErrorCode::InvalidArgument,
                  "no plan was named, expected one, --theory or --policies");
  if (allZero(options.prompts) && allZero(options.news))
    return Status(ErrorCode::InvalidArgument,
                  "-p and -n are 0: nothing to measure");
  return Status::ok();
}

/// The flags that say how a plan is run: all that were added but for the plan
/// itself, and what the tables without a run have too.
std::vector<CLI::Option *> ofRunsIn(CLI::App &app, const CLI::Option *plan) {
  return app.get_options([&](CLI::Option *option) {
    return option != plan && !option->check_lname("help") &&
           !option->check_lname("batch") && !option->check_lname("output") &&
           !option->check_lname("sweep");
  });
}

/// Without a plan nothing is run, and flags of a run would be ignored.
Status checkNothingRuns(const std::vector<CLI::Option *> &ofRuns) {
  for (const CLI::Option *option : ofRuns)
    if (option->count() > 0)
      return Status(ErrorCode::InvalidArgument,
                    option->get_name() +
                        " is of a run, expected a plan to run beside --theory");
  return Status::ok();
}

} // namespace

std::optional<BenchOptions> parseBenchOptions(int argc, char **argv,
                                              int &exitCode) {
  BenchOptions options;
  Texts texts;
  CLI::App app("Measures a plan: prompt processing (pp) and token generation "
               "(tg), in tokens a second.");
  auto *plan = app.add_option("plan", options.plan, "The plan file");
  app.add_option("--model", options.modelDir,
                 "The checkpoint's folder, if it is not where the plan says");
  auto *prompts =
      app.add_option("-p,--n-prompt", texts.prompts,
                     "Tokens of each prompt to process; 0: no such test")
          ->capture_default_str();
  app.add_option("-n,--n-gen", texts.news,
                 "Tokens each sequence generates; 0: no such test")
      ->capture_default_str();
  app.add_option("-d,--n-depth", texts.depths,
                 "Tokens that a sequence has before the test")
      ->capture_default_str();
  app.add_option("-b,--batch", texts.batches,
                 "Sequences side by side (default: 1; with --theory "
                 "1,4,8,16,32,64,128)");
  app.add_option("-r,--repetitions", options.repetitions,
                 "Timed repetitions of each test, after an untimed one")
      ->check(CLI::Range(1u, 1000000u))
      ->capture_default_str();
  app.add_option("-o,--output", texts.format, "md, csv or json")
      ->check(CLI::IsMember({"md", "csv", "json"}))
      ->capture_default_str();
  app.add_option("--backend", options.backend,
                 "cuda, cpu or sim (default: cuda where there is a GPU)")
      ->check(CLI::IsMember({"cuda", "cpu", "sim"}));
  app.add_option("--hardware", options.hardware,
                 "The machine that sim stands for (sluice-profile's hw.json)");
  app.add_option("--routing", options.routing,
                 "Which experts tokens use: model, replay:FILE or "
                 "synthetic:repeat=R,skew=S,seed=N; all but model replace the "
                 "router, and what is computed means nothing then");
  app.add_option("--policy", options.policy,
                 "Residency policy (default: the plan's)")
      ->check(CLI::IsMember({"lru", "lfu", "lfru", "next_use"}));
  app.add_flag("--synthetic-weights", options.synthetic,
               "Make up the weights in memory; no checkpoint is read");
  auto *bubbles = app.add_flag(
      "--bubbles", options.bubbles,
      "After each repetition run the test once more with a trace, to say "
      "how long the bus, the GPU and the CPU stood idle together");
  app.add_option("--threads", options.threads,
                 "Threads of the CPU backend (default: one a core)")
      ->check(CLI::Range(0u, 1024u));
  app.add_option("--prompt-ids", options.promptIdsFile,
                 "The tokens to run on, JSON: an array of ids, or an array of "
                 "such arrays (default: text that the model makes)");
  app.add_option("--trace-out", options.traceOut,
                 "Write the tokens run on, to be given to --prompt-ids");

  app.add_option("--trace", options.trace,
                 "Write the last of those traces as Chrome JSON")
      ->needs(bubbles);
  auto *sweep =
      app.add_option("--sweep", texts.sweep,
                     "n: throughput against the sequences side by side, beside "
                     "what the theory says")
          ->check(CLI::IsMember({"n"}));
  const std::vector<CLI::Option *> ofRuns = ofRunsIn(app, plan);
  auto *theory = app.add_flag(
      "--theory", options.theory,
      "Print what n batches in a step should bring, with a plan beside "
      "what a run of it gives");
  theory->excludes(sweep);
  auto *policies =
      app.add_option("--policies", options.policiesFile,
                     "Compare residency policies on recorded routing "
                     "(sluice-run --record-routing); runs no plan")
          ->excludes(plan)
          ->excludes(theory)
          ->excludes(sweep);
  for (CLI::Option *option : ofRuns)
    policies->excludes(option);
  // A plan says these three itself.
  MultiBatchModel &model = options.model;
  app.add_option("--num-experts", model.experts, "Experts a layer")
      ->needs(theory)
      ->excludes(plan)
      ->capture_default_str();
  app.add_option("--top-k", model.topK, "Experts a token")
      ->needs(theory)
      ->excludes(plan)
      ->capture_default_str();
  app.add_option("--layers", model.layers, "Layers with experts")
      ->needs(theory)
      ->excludes(plan)
      ->capture_default_str();
  app.add_option("--io-ms", model.expertIoMs, "One expert over the bus")
      ->needs(theory)
      ->capture_default_str();
  app.add_option("--attention-ms", model.attentionMs,
                 "One batch's attention in a layer")
      ->needs(theory)
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    exitCode = app.exit(error) == 0 ? kDone : kBadUsage;
    return std::nullopt;
  }
  texts.promptsGiven = prompts->count() > 0;
  Status status = options.theory && options.plan.empty()
                      ? checkNothingRuns(ofRuns)
                      : Status::ok();
  if (status)
    status = finish(texts, options);
  if (!status) {
    logError(status.message());
    exitCode = kBadUsage;
    return std::nullopt;
  }
  return options;
}

} // namespace sluice::tools
