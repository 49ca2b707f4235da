//===- stand_ins.h - Host memory that launches read in place ----*- C++ -*-===//
//
// A join of the plan names device memory to which the CPU's results come, and
// launches read it there. Where kernels of the backend reach the results
// themselves nothing is copied: launches get the host's memory instead.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/bound_memory.h"

#include <unordered_map>

namespace sluice {

/// Of one entry point.
class StandIns {
public:
  StandIns() = default;
  StandIns(const plan::fb::Entry &entry, const BoundMemory &memory,
           const Backend &backend);

  /// The buffer whose memory a launch is to get for `buffer`.
  uint32_t of(uint32_t buffer) const;

private:
  std::unordered_map<uint32_t, uint32_t> sources; ///< By staged buffer.
};

} // namespace sluice
