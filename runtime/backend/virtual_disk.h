//===- virtual_disk.h - Reads in virtual time -------------------*- C++ -*-===//
#pragma once

#include "runtime/backend/trace.h"

#include <cstdint>

namespace sluice {

/// The disk of a machine whose time is virtual: reads move nothing and take
/// time on the backend's clock. The thread that drives the backend calls it.
class VirtualDisk {
public:
  virtual ~VirtualDisk();

  /// Begins to read `bytes` behind the reads begun before; when they will be
  /// there. Traces show the read as `label` on kDiskTrack.
  virtual double startRead(uint64_t bytes, const TraceLabel &label) = 0;
  /// Whether the read that ends at `end` is over. Does not wait.
  virtual bool isOver(double end) const = 0;
  /// The calling thread waits until it is.
  virtual void waitForRead(double end) = 0;
};

} // namespace sluice
