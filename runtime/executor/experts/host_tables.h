//===- host_tables.h - Which pairs the CPU computes -------------*- C++ -*-===//
//
// For the device, which may go on with the last of the CPU's experts: behind
// the tables of the waves
//
//   order i32 [pairs of the job] | offsets i32 [experts of the job + 1]
//
// They are known when the job starts and are on the device long before anything
// needs them: an expert that goes over needs its weights and nothing else.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/experts/demand.h"
#include "runtime/executor/experts/host_job.h"

namespace sluice::experts {

class HostTables {
public:
  /// Enqueues on the compute stream what the device has to know of the job that
  /// runs. `device` and `host`: room for all of it; what is in front of them
  /// belongs to others.
  Status bring(int32_t *device, int32_t *host, const HostJob &job,
               Backend &backend);

  // Device pointers. An offset counts pairs of `order`.
  int32_t *order() const { return device; }
  int32_t *offsets(size_t index) const { return device + pairs + index; }
  /// The table of slots of one expert in a pool that begins with its slot: the
  /// first offset, which is 0.
  int32_t *firstSlot() const { return offsets(0); }

private:
  int32_t *device = nullptr;
  size_t pairs = 0;
};

} // namespace sluice::experts
