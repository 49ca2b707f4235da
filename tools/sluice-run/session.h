//===- session.h - A loaded plan with its backend ---------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/executor/executor.h"
#include "runtime/experts/routing_source.h"
#include "tools/sluice-run/options.h"

#include <memory>
#include <string>

namespace sluice::tools {

/// Members are destroyed from the last to the first: the executor before the
/// backend it uses.
struct Session {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<experts::RoutingSource> routing; ///< Null: the model routes.
  std::unique_ptr<Executor> executor;
  std::string modelDir; ///< Where the checkpoint and the tokenizer lie.
  double loadMs = 0;    ///< Plan and weights, from disk to ready.
};

/// Verifies the plan, picks the backend (says which in one line) and loads the
/// weights with progress on stderr. Warns, even who wants it quiet, where other
/// routing than the model's makes text of no meaning.
Result<Session> openSession(const RunOptions &options);

} // namespace sluice::tools
