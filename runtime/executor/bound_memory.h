//===- bound_memory.h - A plan's memory as allocated ------------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/plan/plan.h"

#include <span>
#include <vector>

namespace sluice {

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

} // namespace sluice
