//===- fetch.h - Weights on their way to the device -------------*- C++ -*-===//
#pragma once

#include "runtime/executor/bind.h"
#include "runtime/io/load_progress.h"
#include "runtime/io/weight_files.h"

#include <span>

namespace sluice {

/// Performs fetches that need no order among each other: the ranges of all are
/// read in large pieces in the order of the files, by `threads` threads, into
/// (pinned) host memory, from where this thread enqueues their copies, each on
/// its fetch's stream. Without `files` the weights are made up. Returns when
/// everything is enqueued and nothing of the host memory is in use. Errors name
/// file, tensor, what was found and expected.
class Fetcher {
public:
  Fetcher(const plan::fb::Plan &plan, const BoundMemory &memory,
          const WeightFiles *files, Backend &backend, unsigned threads,
          LoadProgress &progress)
      : plan(plan), memory(memory), files(files), backend(backend),
        threads(threads), progress(progress) {}

  Status run(std::span<const plan::fb::Instruction *const> fetches);

private:
  struct Job;

  const plan::fb::Plan &plan;
  const BoundMemory &memory;
  const WeightFiles *files;
  Backend &backend;
  unsigned threads;
  LoadProgress &progress;
};

} // namespace sluice
