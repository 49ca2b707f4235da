//===- timer.h - How long enqueued work takes -------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"

#include <functional>

namespace sluice::tools {

/// Times work on one backend: medians of several rounds, each long enough that
/// starting and ending it do not count. Not thread-safe.
class Timer {
public:
  /// `budgetMs`: about how long one figure may take, all rounds together.
  Timer(Backend &backend, double budgetMs)
      : backend(backend), budgetMs(budgetMs) {}

  /// Microseconds of one call of `enqueue`, which enqueues work on any streams;
  /// calls follow each other without waiting. It is given the number of the
  /// call, so that it can go round among copies of its operands.
  Result<double> each(const std::function<Status(uint64_t)> &enqueue);

  /// The same for launches on the compute stream, without the host's part of
  /// them where the backend has graphs.
  Result<double> launches(const std::function<Status(uint64_t)> &launch);

  /// Microseconds of one call that itself returns only when its work is done.
  Result<double> blocking(const std::function<Status(uint64_t)> &call);

private:
  Result<double> rounds(const std::function<Status(uint64_t)> &call,
                        bool synchronize);

  Backend &backend;
  double budgetMs;
};

} // namespace sluice::tools
