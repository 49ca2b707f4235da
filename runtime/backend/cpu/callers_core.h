//===- callers_core.h - A core for who hands out work -----------*- C++ -*-===//
//
// Threads that share work are woken on any core, also on that of the thread
// which woke them and goes on. That one then stands still until the system
// takes the other away again, hundreds of microseconds later. Where there is a
// core more than threads, they stay off the caller's.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <sched.h>

namespace sluice::cpu {

class CallersCore {
public:
  /// Of `threads` threads, all of which run on the cores that the calling
  /// thread may use.
  explicit CallersCore(unsigned threads);

  /// The cores for the threads where they have to change, because the calling
  /// thread runs on another core than at the last two calls; else null. They
  /// stay as they are where there is no core to spare.
  const cpu_set_t *moved();

private:
  cpu_set_t usable, others;
  bool canSpare = false;
  int avoided = -1; ///< The core that `others` lacks.
  int seen = -1;    ///< Of the last call.
};

} // namespace sluice::cpu
