//===- main.cpp - sluice-dump: prints a plan ------------------------------===//

#include "tools/sluice-dump/dump.h"
#include "tools/support/log.h"

#include <CLI/CLI.hpp>

#include <iostream>

using namespace sluice;

int main(int argc, char **argv) {
  tools::initLog("sluice-dump");
  CLI::App app("Prints a plan: its model, memory table and schedule.");
  std::string path;
  bool json = false, memory = false, schedule = false;
  app.add_option("plan", path, "The plan file")->required();
  app.add_flag("--json", json, "Everything as JSON");
  app.add_flag("--memory", memory, "Only the memory table and the arenas");
  app.add_flag("--schedule", schedule, "Only the schedule, a column a stream");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? tools::kDone : tools::kBadUsage;
  }

  auto plan = plan::Plan::open(path);
  if (!plan)
    return tools::fail(plan.status());
  if (json) {
    Status status = tools::printJson(std::cout, **plan);
    if (!status)
      return tools::fail(status);
  } else {
    const bool all = !memory && !schedule;
    if (all)
      tools::printSummary(std::cout, **plan);
    if (all || memory)
      tools::printMemory(std::cout, **plan);
    if (all || schedule)
      tools::printSchedule(std::cout, **plan);
  }
  std::cout.flush();
  if (!std::cout)
    return tools::fail(
        Status(ErrorCode::Io, "stdout: the output could not be written"));
  return tools::kDone;
}
