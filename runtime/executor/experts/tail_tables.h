//===- tail_tables.h - What the device takes over of the CPU's --*- C++ -*-===//
//
// For the expert kernels, behind the tables of the waves: the pairs of the
// CPU's job once, then for each round the experts that went over in it.
//
//   order i32 [pairs of the job] | offsets i32 [n + 1] | slots i32 [n] | ...
//
// With `rounds` rounds of `n` experts in all that is 2 * n + rounds integers
// and the pairs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/experts/demand.h"
#include "runtime/executor/experts/host_job.h"

namespace sluice::experts {

class TailTables {
public:
  /// For the job that runs. `device` and `host`: room for all of it; what is in
  /// front of them belongs to others.
  void begin(int32_t *device, int32_t *host, const HostJob &job);

  /// A round: experts [first, end) of the job, each with a slot. Enqueues on
  /// the compute stream what the device does not have yet.
  Status add(const HostJob &job, size_t first, size_t end, const Demand &demand,
             Backend &backend);

  // Device pointers. Expert `index` of the job is one of the latest round; its
  // offset counts pairs of `order`.
  int32_t *order() const { return device; }
  int32_t *offsets(size_t index) const { return device + at + index - first; }
  int32_t *slots(size_t index) const { return offsets(index) + count + 1; }

private:
  int32_t *device = nullptr, *host = nullptr;
  size_t filled = 0, uploaded = 0; ///< Integers.
  size_t at = 0;                   ///< Of the latest round.
  size_t first = 0, count = 0;     ///< Its experts.
};

} // namespace sluice::experts
