//===- ids.h - How experts are numbered -------------------------*- C++ -*-===//
//
// A *bank* is the experts of one MoE layer, counted from 0 in the order in
// which a step runs them. An expert's *id* counts the experts of all banks: the
// experts of the banks before, plus its number in its own.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace sluice::experts {

/// No slot, no expert, no bank.
inline constexpr uint32_t kNone = 0xffffffff;

} // namespace sluice::experts
