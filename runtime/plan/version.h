//===- version.h - What this build reads and writes -------------*- C++ -*-===//
//
// The compiler writes these into a plan, the runtime refuses a plan with
// others.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace sluice::plan {

/// Raised whenever a runtime that reads older plans could misread a newer one.
inline constexpr uint32_t kVersion = 3;

/// Name and version of the compiler, as Plan.compiler holds them.
inline constexpr const char *kCompiler = "sluice-compile 0.1.0";

/// Every buffer starts at a multiple of this many bytes inside its arena: what
/// the widest vector loads and the tensor kernels of any backend ask for.
inline constexpr uint64_t kBufferAlignment = 256;

/// Tokens of context one split of the attention covers: the plan sizes the
/// kernel's scratch by it. Part of the written arithmetic, so it never changes.
inline constexpr int64_t kAttentionSplit = 256;

/// A buffer index that means "no buffer", for an absent optional operand.
inline constexpr uint32_t kNoBuffer = 0xffffffff;

/// The fewest slots an expert pool may have: one is read while the next
/// arrives.
inline constexpr uint32_t kMinimumSlots = 2;

/// How many eviction policies Plan.policy may name.
inline constexpr uint8_t kPolicyCount = 4;

} // namespace sluice::plan
