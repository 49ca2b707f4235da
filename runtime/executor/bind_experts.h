//===- bind_experts.h - Operands of expert instructions ---------*- C++ -*-===//
#pragma once

#include "runtime/executor/bound_memory.h"
#include "runtime/executor/steps.h"

namespace sluice {

/// Resolves an instruction that `engine` runs. `maxRows` is the entry's.
Result<Step> bindExpertInstruction(const plan::fb::Instruction &instruction,
                                   uint32_t maxRows, const BoundMemory &memory,
                                   const plan::fb::Plan &plan, Backend &backend,
                                   experts::Engine &engine);

} // namespace sluice
