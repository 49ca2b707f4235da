//===- graph.h - Commands recorded once, run again --------------*- C++ -*-===//
//
// The CPU needs no graphs; it has them so that what uses graphs is tested
// without a GPU. As with CUDA, a launch's KernelArgs are those of the time it
// was recorded.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/cpu/stream.h"

#include <deque>
#include <vector>

namespace sluice::cpu {

struct Graph {
  std::vector<Command> commands; ///< Launches and copies.
  std::deque<KernelArgs> args;   ///< Stay in place: commands point to them.
  std::vector<uint32_t> events;  ///< Recorded at the end.
};

} // namespace sluice::cpu
