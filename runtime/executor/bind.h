//===- bind.h - From a plan's indices to pointers ---------------*- C++ -*-===//
#pragma once

#include "runtime/executor/steps.h"
#include "runtime/plan/plan.h"

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

  /// The data of the port, or an empty span.
  static std::span<std::byte> find(const std::vector<BoundPort> &ports,
                                   plan::fb::Role role, uint32_t layer);
};

/// The arenas of a plan as allocated, and where its buffers lie in them.
class BoundMemory {
public:
  /// Allocates every arena. OutOfMemory names the arena.
  static Result<BoundMemory> allocate(const plan::Plan &plan, Backend &backend);

  std::span<std::byte> buffer(uint32_t index) const;
  MemoryKind kind(uint32_t index) const;

private:
  explicit BoundMemory(const plan::Plan &plan) : plan(&plan.get()) {}

  const plan::fb::Plan *plan;
  std::vector<Allocation> arenas;
};

/// Resolves one instruction that is no fetch. `maxRows` is the entry's.
Result<Step> bindInstruction(const plan::fb::Instruction &instruction,
                             uint32_t maxRows, const BoundMemory &memory,
                             const plan::fb::Plan &plan, Backend &backend);

/// Resolves an entry without fetches.
Result<BoundEntry> bindEntry(const plan::fb::Entry &entry,
                             const BoundMemory &memory,
                             const plan::fb::Plan &plan, Backend &backend);

} // namespace sluice
