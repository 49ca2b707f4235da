//===- pending.h - Work between its enqueueing and its end ------*- C++ -*-===//
#pragma once

#include "kernels/signatures.h"
#include "runtime/backend/backend.h"
#include "runtime/backend/sim/timeline.h"

#include <deque>
#include <vector>

namespace sluice::sim {

/// What a KernelHandle of this backend points to.
struct SimKernel {
  const Signature *signature = nullptr;
  Arithmetic arithmetic = Arithmetic::Portable;
};

struct LaunchWork {
  const SimKernel *kernel;
  const KernelArgs *args;
  int64_t rows;
};
struct CopyWork {
  void *target;
  const void *source;
  MemoryKind targetKind, sourceKind;
  uint64_t bytes;
};
struct CallWork {
  void (*function)(void *);
  void *context;
};

/// Work between its enqueueing and its end.
struct Pending {
  enum Kind : uint8_t { Launch, Copy, Call } kind;
  TraceLabel label;
  union {
    LaunchWork launch;
    CopyWork copy;
    CallWork call;
  };
};

/// A recorded stream: the work, and the arguments as they were.
struct Graph {
  std::vector<Pending> nodes;
  std::deque<KernelArgs> args;
  std::vector<uint32_t> events; ///< Recorded at the end.
};

inline Engine engineOf(const Pending &work) {
  if (work.kind != Pending::Copy ||
      work.copy.targetKind == work.copy.sourceKind)
    return Engine::None;
  return work.copy.targetKind == MemoryKind::Device ? Engine::ToDevice
                                                    : Engine::ToHost;
}

} // namespace sluice::sim
