//===- session.cpp - A loaded plan with its backend -----------------------===//

#include "tools/sluice-run/session.h"

#include "tools/support/log.h"
#include "tools/support/units.h"

#ifdef SLUICE_HAVE_CUDA
#include "runtime/backend/cuda/cuda_backend.h"
#endif

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace sluice::tools {
namespace {

using Clock = std::chrono::steady_clock;

Result<std::unique_ptr<Backend>> openBackend(const RunOptions &options) {
#ifdef SLUICE_HAVE_CUDA
  if (options.backend != "cpu") {
    auto cuda = makeCudaBackend(0);
    if (cuda || options.backend == "cuda")
      return cuda;
    logInfo("no usable GPU (" + std::string(cuda.status().message()) +
            "): running on the CPU backend");
  }
#else
  if (options.backend == "cuda")
    return Status(ErrorCode::Unsupported,
                  "--backend cuda: built without a CUDA toolkit, expected "
                  "cpu");
  if (options.backend.empty())
    logInfo("built without CUDA: running on the CPU backend");
#endif
  return makeCpuBackend({.threads = options.threads});
}

/// A progress line that redraws itself, on terminals alone.
void showProgress(uint64_t done, uint64_t total) {
  std::fprintf(stderr, "\rloading weights %s of %s%s",
               formatBytes(done).c_str(), formatBytes(total).c_str(),
               done == total ? "\r\033[K" : "");
  std::fflush(stderr);
}

} // namespace

Result<Session> openSession(const RunOptions &options) {
  const auto start = Clock::now();
  SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(options.plan));
  Session session;
  session.modelDir = options.modelDir.empty() ? plan->get().model_dir()->str()
                                              : options.modelDir;
  SLUICE_ASSIGN_OR_RETURN(session.backend, openBackend(options));
  LoadOptions load{.modelDir = options.modelDir, .progress = {}};
  if (!options.quiet && isatty(STDERR_FILENO))
    load.progress = showProgress;
  SLUICE_ASSIGN_OR_RETURN(session.executor,
                          Executor::create(plan, *session.backend, load));
  session.loadMs =
      std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  if (!options.quiet)
    logInfo(plan->get().model()->name()->str() + " on " +
            session.backend->describe());
  return session;
}

} // namespace sluice::tools
