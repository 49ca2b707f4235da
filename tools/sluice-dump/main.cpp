//===- main.cpp - sluice-dump: prints a plan ------------------------------===//

#include "tools/sluice-dump/dump.h"
#include "tools/sluice-dump/schedule.h"
#include "tools/sluice-dump/simulate.h"
#include "tools/support/log.h"

#include <CLI/CLI.hpp>

#include <iostream>

using namespace sluice;

namespace {

struct DumpOptions {
  std::string plan;
  bool json = false, memory = false, instructions = false, schedule = false;
  tools::SimulatedStep step;
  int32_t layer = -1;
  int columns = 100;
};

void addOptions(CLI::App &app, DumpOptions &options) {
  app.add_option("plan", options.plan, "The plan file")->required();
  auto *json = app.add_flag("--json", options.json, "Everything as JSON");
  app.add_flag("--memory", options.memory,
               "Only the memory table and the arenas")
      ->excludes(json);
  app.add_flag("--instructions", options.instructions,
               "Only the instructions, a column a stream")
      ->excludes(json);
  auto *schedule =
      app.add_flag("--schedule", options.schedule,
                   "Only a drawing of one decode step, simulated in the time "
                   "of a machine: a line a stream");
  schedule->excludes(json);
  app.add_option("--hardware", options.step.hardware,
                 "hw.json of that machine (default: a built-in, slow one)")
      ->needs(schedule);
  app.add_option("--routing", options.step.routing,
                 "Which experts the step needs: replay:FILE, "
                 "synthetic:repeat=R,skew=S,seed=N")
      ->needs(schedule)
      ->capture_default_str();
  app.add_option("--rows", options.step.rows,
                 "Sequences in the step (default: all of the plan)")
      ->needs(schedule)
      ->check(CLI::Range(1u, 1u << 30));
  app.add_option("--context", options.step.context,
                 "Tokens that each sequence has before the step")
      ->needs(schedule)
      ->capture_default_str();
  app.add_option("--layer", options.layer,
                 "Draw this layer alone and list what runs in it")
      ->needs(schedule)
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--width", options.columns, "Columns of the time axis")
      ->needs(schedule)
      ->check(CLI::Range(10, 10000))
      ->capture_default_str();
}

Status dump(const DumpOptions &options) {
  SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(options.plan));
  if (options.json)
    return tools::printJson(std::cout, *plan);
  const auto layers = static_cast<int32_t>(plan->get().model()->layers());
  if (options.layer >= layers)
    return Status(ErrorCode::InvalidArgument,
                  "--layer is " + std::to_string(options.layer) +
                      ", expected 0 to " + std::to_string(layers - 1) +
                      ", the layers of " + options.plan);
  const bool all =
      !options.memory && !options.instructions && !options.schedule;
  if (all)
    tools::printSummary(std::cout, *plan);
  if (all || options.memory)
    tools::printMemory(std::cout, *plan);
  if (all || options.instructions)
    tools::printInstructions(std::cout, *plan);
  if (options.schedule) {
    SLUICE_ASSIGN_OR_RETURN(tools::StepTrace trace,
                            tools::simulateStep(plan, options.step));
    tools::drawSchedule(std::cout, trace.spans,
                        {trace.title, options.columns, options.layer});
  }
  return Status::ok();
}

} // namespace

int main(int argc, char **argv) {
  tools::initLog("sluice-dump");
  CLI::App app("Prints a plan: its model, memory table and instructions, or a "
               "drawing of a step.");
  DumpOptions options;
  addOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? tools::kDone : tools::kBadUsage;
  }
  if (Status status = dump(options); !status)
    return tools::fail(status);
  std::cout.flush();
  if (!std::cout)
    return tools::fail(
        Status(ErrorCode::Io, "stdout: the output could not be written"));
  return tools::kDone;
}
