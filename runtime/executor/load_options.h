//===- load_options.h - How to load a plan ----------------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sluice {

namespace experts {
class RoutingSource;
}

/// How to load a plan.
struct LoadOptions {
  /// Where the checkpoint lies; empty: the plan's own model_dir.
  std::string modelDir{};
  /// Called now and then with the weight bytes read so far and in all; the last
  /// call has done == total. `done` never falls, also across the parts of a
  /// load (dense weights, then the host pool). Loading threads call it, one at
  /// a time: it must not wait for the thread that called Executor::create.
  std::function<void(uint64_t done, uint64_t total)> progress{};
  /// Called while a large piece of host memory is made ready, which takes
  /// seconds where it is pinned: its bytes so far and in all, on the thread
  /// that called Executor::create, before any weights are read. Backends to
  /// which size costs no time never call it.
  std::function<void(uint64_t done, uint64_t total)> pinning{};
  /// Weights are made up in memory instead of read: cheap, deterministic and of
  /// a checkpoint's magnitude. No file is opened. For benchmarks of models that
  /// are not there.
  bool synthetic = false;
  /// The residency policy, one of experts::kPolicyNames; empty: the plan's.
  std::string policy{};
  /// Replaces the router's ids in benchmarks; null: the model routes. Must
  /// outlive the executor.
  experts::RoutingSource *routing = nullptr;
  /// Threads that read or make weights; 0: one a core the process may use, at
  /// most 16.
  unsigned threads = 0;
};

} // namespace sluice
