//===- session.cpp - A loaded plan with its backend -----------------------===//

#include "tools/sluice-run/session.h"

#include "tools/support/backend_choice.h"
#include "tools/support/log.h"
#include "tools/support/routing_choice.h"
#include "tools/support/units.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace sluice::tools {
namespace {

using Clock = std::chrono::steady_clock;

/// A progress line that redraws itself, on terminals alone.
void showProgress(const char *what, uint64_t done, uint64_t total) {
  std::fprintf(stderr, "\r%s %s of %s%s", what, formatBytes(done).c_str(),
               formatBytes(total).c_str(), done == total ? "\r\033[K" : "");
  std::fflush(stderr);
}

} // namespace

Result<Session> openSession(const RunOptions &options) {
  const auto start = Clock::now();
  SLUICE_ASSIGN_OR_RETURN(auto plan, plan::Plan::open(options.plan));
  Session session;
  session.modelDir = options.modelDir.empty() ? plan->get().model_dir()->str()
                                              : options.modelDir;
  SLUICE_ASSIGN_OR_RETURN(
      session.backend,
      openBackend({options.backend, options.hardware, options.threads}));
  SLUICE_ASSIGN_OR_RETURN(session.routing, openRouting(options.routing, *plan));
  SLUICE_RETURN_IF_ERROR(
      checkRouting(*session.backend, *plan, session.routing.get()));
  if (replacesRouter(options.routing))
    logWarning("routing is " + options.routing +
               ", not the model's: its tokens mean nothing");
  LoadOptions load;
  load.modelDir = options.modelDir;
  load.routing = session.routing.get();
  load.policy = options.policy;
  load.synthetic = options.synthetic;
  if (!options.quiet && isatty(STDERR_FILENO)) {
    load.pinning = [](uint64_t done, uint64_t total) {
      showProgress("pinning host memory", done, total);
    };
    load.progress = [](uint64_t done, uint64_t total) {
      showProgress("loading weights", done, total);
    };
  }
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
