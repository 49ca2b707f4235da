//===- host_job.h - Experts that the CPU computes ---------------*- C++ -*-===//
//
// Weights and rows are read where they lie, and results stand at their pairs,
// where the device reads them or from where one copy brings them. Portable
// kernels: the same bits as on the device.
//
// The end of a job can go over to the device while it runs: down projections
// that no thread has begun. The inner rows of all its experts are ready when
// its first launch is.
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
  /// What a job leaves to others: of its expert `first` the outputs from
  /// `firstOutput` on, of those behind it all.
  struct Tail {
    size_t first = 0;
    int64_t firstOutput = 0;
  };

  /// Room for `pairs` pairs of a bank. While the plan is bound.
  Status reserve(const Bank &bank, uint32_t pairs, Backend &backend);
  /// Whether kernels of the backend reach the inner rows of the job, so that
  /// they can go on with it.
  bool canHandOver(const Backend &backend) const;

  /// Starts the demand's experts `onHost`; nothing when there are none.
  Status start(const Demand &demand, const HostOperands &operands,
               Backend &backend);
  /// Takes the last `outputs` outputs of its experts from the job that runs, or
  /// as many as no thread has begun; a later call those in front of them.
  Tail takeTail(Backend &backend, int64_t outputs);

  /// What is enqueued on `stream` from here on starts when the inner rows are
  /// there, or all results.
  static Status awaitInner(StreamKind stream, Backend &backend) {
    return backend.awaitHostWork(stream, 1);
  }
  static Status awaitAll(StreamKind stream, Backend &backend) {
    return backend.awaitHostWork(stream, kLaunches);
  }
  /// Returns when they are done; what they took in microseconds, or 0 where
  /// nothing was started since the last call.
  Result<double> finish(Backend &backend);

  /// What it does not compute; the first expert behind its own when all is.
  const Tail &tail() const { return left; }
  /// Its pairs, expert after expert; those of expert `index` begin at
  /// firstPair(index), those of none at firstPair(experts()).
  const int32_t *pairs() const { return order.data(); }
  size_t experts() const { return count; }
  int64_t firstPair(size_t index) const { return offsets[index]; }
  int64_t pairsOf(size_t index) const {
    return offsets[index + 1] - offsets[index];
  }
  /// The inner rows, each at its pair. Host memory of the backend; stays until
  /// the next start.
  float *inner() const { return reinterpret_cast<float *>(innerMemory.data()); }

private:
  static constexpr size_t kLaunches = 2;

  Allocation innerMemory; ///< f32 [pairs, inner]
  std::vector<int32_t> order, offsets, slots;
  std::array<HostLaunch, kLaunches> launches;
  size_t count = 0; ///< Experts.
  int64_t hidden = 0;
  Tail left;
  bool running = false;
};

} // namespace sluice::experts
