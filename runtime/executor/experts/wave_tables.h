//===- wave_tables.h - Which pairs each wave computes -----------*- C++ -*-===//
//
// The expert kernels take experts in a row: offsets into a list of pairs, and a
// slot each. The engine lays all experts of a demand down in the order in which
// they run, so that a wave is a run of them:
//
//   offsets i32 [experts + 1] | slots i32 [experts] | order i32 [pairs]
//
// Where every slot is known at once, one copy brings the whole; else what is
// known goes ahead of the first wave that needs it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/experts/demand.h"

namespace sluice::experts {

class WaveTables {
public:
  /// For a demand of `experts` experts with `pairs` pairs in all. `device` and
  /// `host`: 2 * experts + 1 + pairs integers.
  void begin(int32_t *device, int32_t *host, size_t experts, size_t pairs);

  /// Fills in what the sequence has got since, and enqueues its copy on the
  /// compute stream.
  Status upload(const Demand &demand, Backend &backend);

  /// Items of the sequence that were uploaded.
  size_t uploaded() const { return filled; }

  // Device pointers, as expert_gate_up takes them for a wave that starts at
  // item `first`.
  int32_t *offsets(size_t first) const { return device + first; }
  int32_t *slots(size_t first) const { return offsets(first) + experts + 1; }
  int32_t *order() const { return device + 2 * experts + 1; }

  /// Where the tables end.
  int32_t *end() const { return order() + pairs; }
  int32_t *hostEnd() const { return host + (end() - device); }

private:
  Status copy(size_t first, size_t end, Backend &backend);

  int32_t *device = nullptr, *host = nullptr;
  size_t experts = 0, pairs = 0;
  size_t filled = 0;      ///< Items.
  size_t filledPairs = 0; ///< Of those.
};

} // namespace sluice::experts
