//===- bind_experts.h - Operands of expert instructions ---------*- C++ -*-===//
#pragma once

#include "runtime/executor/stand_ins.h"
#include "runtime/executor/steps.h"

namespace sluice {

/// Resolves an instruction that `engine` runs. `maxRows` and `standIns` are
/// the entry's.
Result<Step> bindExpertInstruction(const plan::fb::Instruction &instruction,
                                   uint32_t maxRows, const BoundMemory &memory,
                                   const plan::fb::Plan &plan, Backend &backend,
                                   const StandIns &standIns,
                                   experts::Engine &engine);

} // namespace sluice
