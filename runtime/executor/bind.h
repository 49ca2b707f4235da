//===- bind.h - From a plan's indices to pointers ---------------*- C++ -*-===//
#pragma once

#include "runtime/executor/bound_memory.h"
#include "runtime/executor/graphs.h"
#include "runtime/executor/stand_ins.h"
#include "runtime/executor/steps.h"

#include <array>
#include <span>
#include <vector>

namespace sluice {

/// Host memory that an entry point reads or fills.
struct BoundPort {
  plan::fb::Role role;
  uint32_t layer;
  std::span<std::byte> data;
};

/// An entry point ready to run.
struct BoundEntry {
  const plan::fb::Entry *entry = nullptr;
  std::vector<Step> steps;
  std::vector<BoundPort> inputs;
  std::vector<BoundPort> outputs;
  Graphs graphs;

  /// The data of the port, or an empty span.
  static std::span<std::byte> find(const std::vector<BoundPort> &ports,
                                   plan::fb::Role role, uint32_t layer);
};

/// Resolves one instruction that is no fetch. `maxRows` is the entry's, and so
/// are `standIns`. `engine` runs the instructions of experts; only plans with
/// banks of experts need it.
Result<Step> bindInstruction(const plan::fb::Instruction &instruction,
                             uint32_t maxRows, const BoundMemory &memory,
                             const plan::fb::Plan &plan, Backend &backend,
                             const StandIns &standIns = {},
                             experts::Engine *engine = nullptr);

/// Resolves an entry without fetches.
Result<BoundEntry> bindEntry(const plan::fb::Entry &entry,
                             const BoundMemory &memory,
                             const plan::fb::Plan &plan, Backend &backend,
                             experts::Engine *engine);

} // namespace sluice
