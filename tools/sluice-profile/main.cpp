//===- main.cpp - sluice-profile: measures a machine ----------------------===//

#include "runtime/io/file.h"
#include "runtime/plan/plan.h"
#include "tools/sluice-profile/host.h"
#include "tools/sluice-profile/kernels.h"
#include "tools/sluice-profile/transfers.h"
#include "tools/support/backend_choice.h"
#include "tools/support/log.h"
#include "tools/support/output_file.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>

using namespace sluice;
using namespace sluice::tools;

namespace {

namespace fb = plan::fb;

struct Options {
  std::string output, modelDir, backend, name;
  std::vector<std::string> plans;
  unsigned threads = 0;
  double budgetMs = 40;
  uint64_t hostMemory = 0;
  std::vector<int64_t> rows{1, 2, 4, 8, 16, 32, 64, 128};
};

/// Sizes that experts have, and one far above, where only the rate counts.
std::vector<uint64_t> copySizes(const std::optional<ExpertShape> &shape) {
  std::vector<uint64_t> sizes = {4096,    65536,   262144,  1 << 20,
                                 2359296, 4718592, 9437184, 64 << 20};
  if (shape && shape->bytes() <= sizes.back())
    sizes.push_back(shape->bytes());
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

/// The largest file of a plan's checkpoint: whether the disk can be measured
/// must not hang on the order of the files. Empty where there is none.
std::string largestFile(const fb::Plan &plan, const std::string &modelDir) {
  const fb::File *largest = nullptr;
  for (const fb::File *file : *plan.files())
    if (!largest || file->bytes() > largest->bytes())
      largest = file;
  if (!largest)
    return "";
  return (modelDir.empty() ? plan.model_dir()->str() : modelDir) + "/" +
         largest->path()->str();
}

/// Where a figure is still the built-in profile's, its source and the log say
/// that nobody measured it.
void sayIfAssumed(const char *key, Figure Hardware::*figure,
                  const std::string &why, Hardware &found) {
  if ((found.*figure).source != (builtInHardware().*figure).source)
    return;
  (found.*figure).source = "assumed: not measured by sluice-profile (" + why +
                           "); about a desktop with PCIe 3.0 x16";
  logInfo(std::string(key) + " is assumed, not measured: " + why);
}

Status profile(const Options &options) {
  SLUICE_RETURN_IF_ERROR(checkOutput("-o", options.output));
  std::vector<std::shared_ptr<const plan::Plan>> plans;
  std::optional<ExpertShape> shape;
  uint64_t planned = 0;
  for (const std::string &path : options.plans) {
    SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(path));
    if (!shape)
      shape = expertShapeOf(plan->get());
    planned = std::max(planned, hostExpertBytes(plan->get()));
    plans.push_back(std::move(plan));
  }
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend,
                          openBackend({options.backend, "", options.threads}));
  logInfo("measuring " + backend->describe());
  Hardware found = builtInHardware();
  found.name = options.name.empty() ? backend->describe() : options.name;
  found.kernels.clear();
  found.experts.clear();
  Timer timer(*backend, options.budgetMs);
  SLUICE_RETURN_IF_ERROR(
      profileTransfers(*backend, timer, copySizes(shape), found));
  logInfo("copies, launches and waits are measured");
  SLUICE_RETURN_IF_ERROR(profileHost(
      *backend,
      {.bytes = options.hostMemory, .planned = planned, .ms = options.budgetMs},
      shape.value_or(ExpertShape{}), found));
  logInfo("the host is measured");
  for (const auto &plan : plans)
    SLUICE_RETURN_IF_ERROR(
        profileKernels(*backend, timer, plan->get(), options.rows, found));
  std::string noDisk = "no --plan names a checkpoint to read";
  if (!plans.empty()) {
    if (const std::string file =
            largestFile(plans.front()->get(), options.modelDir);
        !file.empty())
      noDisk = profileDisk(file, found);
    rateArithmetic(found);
    logInfo(std::to_string(found.kernels.size()) + " launches are measured");
  }
  if (shape)
    SLUICE_RETURN_IF_ERROR(profileExperts(*backend, timer, *shape, found));
  sayIfAssumed("disk_read_gb_s", &Hardware::diskRead, noDisk, found);
  const std::string noProduct = "no --plan has such a product";
  sayIfAssumed("tensor_tflops", &Hardware::tensorTflops, noProduct, found);
  sayIfAssumed("vector_tflops", &Hardware::vectorTflops, noProduct, found);
  return writeFile(options.output, printHardware(found));
}

} // namespace

int main(int argc, char **argv) {
  initLog("sluice-profile");
  Options options;
  CLI::App app{
      "Measures this machine for sluice-compile --hardware and the sim "
      "backend:\ncopies by size, latencies, what the CPU reads and, "
      "with a plan, each of\nits launches."};
  app.add_option("-o,--output", options.output, "Where hw.json goes")
      ->required();
  app.add_option("--plan", options.plans,
                 "A plan whose launches are measured; may be given again");
  app.add_option("--model", options.modelDir,
                 "Where its checkpoint lies (the plan's own folder)");
  app.add_option("--backend", options.backend,
                 "cuda or cpu (the best there is)")
      ->check(CLI::IsMember({"cuda", "cpu"}));
  app.add_option("--threads", options.threads,
                 "Threads of the CPU backend (one a core)");
  app.add_option("--rows", options.rows, "Rows that launches are measured for")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--budget-ms", options.budgetMs,
                 "About how long one figure may take (40)")
      ->check(CLI::Range(1.0, 10000.0));
  app.add_option(
         "--host-memory", options.hostMemory,
         "Memory that the host's figures are taken over, as 512MiB (what "
         "the plans keep experts in, at most three quarters of what "
         "there is; without such a plan a quarter, 1GiB to 32GiB)")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 50));
  app.add_option("--name", options.name, "What the machine is called");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? kDone : kBadUsage;
  }
  Status status = profile(options);
  return status ? kDone : fail(status);
}
