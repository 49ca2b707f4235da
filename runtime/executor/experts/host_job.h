//===- host_job.h - Experts that the CPU computes ---------------*- C++ -*-===//
//
// The weights are read where they lie in the host pool; the rows are gathered
// one behind the other, so that results come out as one short block, which the
// device reads where it lies or gets by one copy. Portable kernels: the same
// bits as on the device.
//
// Of an expert that is shared the job does the first half: its inner rows are
// ready when the job's first launch is.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/host_work.h"
#include "runtime/executor/experts/demand.h"
#include "runtime/executor/experts/operands.h"

#include <array>

namespace sluice::experts {

class HostJob {
public:
  /// Room for `pairs` pairs of a bank. While the plan is bound.
  Status reserve(const Bank &bank, uint32_t pairs, DType inType,
                 Backend &backend);
  /// Whether kernels of the backend reach what the job leaves of a shared
  /// expert.
  bool canShare(const Backend &backend) const;

  /// Starts the demand's experts `onHost` and `shared`; nothing when there are
  /// none.
  Status start(const Demand &demand, const HostOperands &operands,
               Backend &backend);
  /// What is enqueued on compute from here on starts when the inner rows of the
  /// shared expert are there, or all results.
  static Status awaitShared(Backend &backend) {
    return backend.awaitHostWork(StreamKind::Compute, 1);
  }
  static Status awaitAll(Backend &backend) {
    return backend.awaitHostWork(StreamKind::Compute, kLaunches);
  }
  /// Returns when they are done; what they took in microseconds, or 0 where
  /// nothing was started since the last call.
  Result<double> finish(Backend &backend);

  /// The pairs computed, in the order of the rows of the outputs.
  std::span<const int32_t> pairs() const { return {computed(), count}; }
  /// The pairs of the shared expert and their inner rows, [pairs, inner].
  /// Host memory of the backend; stays until the next start.
  int32_t *sharedPairs() const { return computed() + count; }
  float *sharedInner(int64_t width) const { return inner() + count * width; }

private:
  static constexpr size_t kLaunches = 2;

  float *inner() const { return reinterpret_cast<float *>(innerMemory.data()); }
  int32_t *computed() const {
    return reinterpret_cast<int32_t *>(pairMemory.data());
  }

  std::vector<std::byte> rows; ///< [pairs, hidden]
  Allocation innerMemory;      ///< f32 [pairs, inner]
  Allocation pairMemory;       ///< i32 [pairs], the shared expert's last.
  std::vector<int32_t> order;  ///< [pairs]: 0, 1, 2, ...
  std::vector<int32_t> offsets, slots;
  std::array<HostLaunch, kLaunches> launches;
  size_t count = 0; ///< Pairs of experts that are not shared.
  bool running = false;
};

} // namespace sluice::experts
