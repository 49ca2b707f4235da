//===- stream_clocks.h - What is finished when ------------------*- C++ -*-===//
//
// A vector clock says, of each stream, how many of its instructions are known
// to be finished. It is the one notion of order between streams that
// assign-streams builds and plan-memory reads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dialects/plan/PlanIr.h"
#include "runtime/plan/hazards.h"

#include <array>

namespace sluice {

/// Finished instructions of each stream, counted from 1.
using Clock = std::array<uint32_t, plan::kStreamCount>;

/// Takes over what `other` knows.
void join(Clock &clock, const Clock &other);

/// From the first to the last access of a buffer in one entry.
struct Lifetime {
  planir::EntryOp entry;
  bool always = false; ///< Used by several entries, or never: always live.
  unsigned first = 0;  ///< Unique; in the order of first accesses.
  Clock start = {};    ///< What is finished when the first access starts.
  Clock end = {};      ///< The position of the last access on each stream.
};

/// Lifetimes of all buffers, by buffer. Streams and events must be final.
llvm::MapVector<mlir::Operation *, Lifetime>
computeLifetimes(mlir::ModuleOp module);

/// True when both may be in memory at the same time: neither is finished, on
/// every stream, before the other starts.
bool liveTogether(const Lifetime &a, const Lifetime &b);

} // namespace sluice
