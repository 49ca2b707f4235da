//===- options.cpp - The command line of sluice-run -----------------------===//

#include "tools/sluice-run/options.h"

#include "runtime/experts/policy.h"
#include "tools/support/log.h"

#include <CLI/CLI.hpp>

namespace sluice::tools {

std::optional<RunOptions> parseOptions(int argc, char **argv, int &exitCode) {
  RunOptions options;
  CLI::App app("Runs a plan made by sluice-compile and prints the text.");
  app.add_option("plan", options.plan, "The plan file")->required();
  app.add_option("--model", options.modelDir,
                 "The checkpoint's folder, if it is not where the plan says");
  app.add_option("--backend", options.backend,
                 "cuda, cpu, or sim: in virtual time (default: cuda where "
                 "there is a GPU)")
      ->check(CLI::IsMember({"cuda", "cpu", "sim"}));
  app.add_option("--hardware", options.hardware,
                 "hw.json of the machine that --backend sim stands for");
  app.add_option("--routing", options.routing,
                 "Measure with other routing than the model's, where the text "
                 "means nothing: replay:FILE, "
                 "synthetic:repeat=R,skew=S,seed=N");
  app.add_option("--policy", options.policy,
                 "Which experts leave first, where they move (default: the "
                 "plan's)")
      ->check(CLI::IsMember(experts::kPolicyNames));
  app.add_option("--threads", options.threads,
                 "Threads of the CPU backend (default: one a core)")
      ->check(CLI::Range(0u, 1024u));

  auto *input = app.add_option_group("input", "What to continue (one of)");
  input->add_option("--prompt", options.prompts,
                    "Text to continue; several make a batch");
  auto *chat = input->add_flag(
      "--chat", options.chat,
      "Talk: a message a line on stdin, through the chat template");
  input->add_option("--prompt-ids", options.promptIdsFile,
                    "JSON file: an array of token ids, or an array of such "
                    "arrays (a batch)");
  input->require_option(1);
  app.add_option("--system", options.system, "System message for --chat")
      ->needs(chat);
  app.add_flag("!--no-thinking", options.thinking,
               "Tell a hybrid Qwen3 model not to think first, in --chat")
      ->needs(chat);

  GenerateOptions &generate = options.generate;
  app.add_option("--max-tokens", generate.maxTokens, "New tokens a prompt")
      ->capture_default_str();
  app.add_flag("--ignore-eos", generate.ignoreStop,
               "Go on past the model's stop tokens");
  SamplingParams &sampling = generate.sampling;
  app.add_option("--temperature", sampling.temperature, "0 is greedy")
      ->capture_default_str();
  app.add_option("--top-k", sampling.topK, "Keep the k likeliest; 0 keeps all")
      ->capture_default_str();
  app.add_option("--top-p", sampling.topP,
                 "Keep the smallest set with this probability")
      ->capture_default_str();
  app.add_option("--min-p", sampling.minP,
                 "Drop tokens below this share of the likeliest's probability")
      ->capture_default_str();
  app.add_option("--seed", sampling.seed, "Of the random numbers")
      ->capture_default_str();

  // These are of one round of prompts.
  auto *ids =
      app.add_option("--ids-out", options.idsOut,
                     "Write the generated ids: JSON, an array a prompt");
  auto *logits = app.add_option("--logits-out", options.logitsOut,
                                "Write logits.{i}, f32 [vocab], at prompt i's "
                                "last position (safetensors)");
  app.add_flag(
         "--step-logits", options.stepLogits,
         "With --logits-out: also steps.{i}, f32 [steps, vocab], of every "
         "decode step")
      ->needs(logits);
  auto *metrics =
      app.add_option("--metrics", options.metrics, "Write the figures as JSON");
  auto *recording =
      app.add_option("--record-routing", options.recordRouting,
                     "Write which experts each token used (safetensors)");
  for (CLI::Option *file : {ids, logits, metrics, recording})
    file->excludes(chat);
  app.add_option("--trace", options.trace,
                 "Write what ran when, for ui.perfetto.dev (Chrome JSON)");
  app.add_flag("--quiet", options.quiet,
               "No progress and no figures on stderr");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    exitCode = app.exit(error) == 0 ? kDone : kBadUsage;
    return std::nullopt;
  }
  if (Status status = sampling.validate(); !status) {
    logError(status.message());
    exitCode = kBadUsage;
    return std::nullopt;
  }
  return options;
}

} // namespace sluice::tools
