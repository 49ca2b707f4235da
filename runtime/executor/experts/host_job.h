//===- host_job.h - Experts that the CPU computes ---------------*- C++ -*-===//
//
// The weights are read where they lie in the host pool; the rows are gathered
// one behind the other, so that results come out as one short block, which the
// device reads where it lies or gets by one copy. Portable kernels: the same
// bits as on the device.
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
  Status reserve(const Bank &bank, uint32_t pairs, DType inType,
                 Backend &backend);
  /// Whether kernels of the backend reach the inner rows of the job, so that
  /// they can go on with it.
  bool canHandOver(const Backend &backend) const;

  /// Starts the demand's experts `onHost`; nothing when there are none.
  Status start(const Demand &demand, const HostOperands &operands,
               Backend &backend);
  /// Takes the last `outputs` outputs of its experts from the job that runs, or
  /// as many as no thread has begun. Once a job.
  Tail takeTail(Backend &backend, int64_t outputs);

  /// What is enqueued on compute from here on starts when the inner rows are
  /// there, or all results.
  static Status awaitInner(Backend &backend) {
    return backend.awaitHostWork(StreamKind::Compute, 1);
  }
  static Status awaitAll(Backend &backend) {
    return backend.awaitHostWork(StreamKind::Compute, kLaunches);
  }
  /// Returns when they are done; what they took in microseconds, or 0 where
  /// nothing was started since the last call.
  Result<double> finish(Backend &backend);

  /// What it does not compute; the first expert behind its own when all is.
  const Tail &tail() const { return left; }
  /// The pairs in the order of the rows of the outputs, expert after expert;
  /// those of expert `index` begin at firstPair(index), those of none at
  /// firstPair(experts()).
  const int32_t *pairs() const { return computed.data(); }
  size_t experts() const { return count; }
  int64_t firstPair(size_t index) const { return offsets[index]; }
  int64_t pairsOf(size_t index) const {
    return offsets[index + 1] - offsets[index];
  }
  /// The inner rows, [pairs, width], of expert `index` and those behind it.
  /// Host memory of the backend; stays until the next start.
  float *innerFrom(size_t index, int64_t width) const {
    return inner() + offsets[index] * width;
  }

private:
  static constexpr size_t kLaunches = 2;

  float *inner() const { return reinterpret_cast<float *>(innerMemory.data()); }

  std::vector<std::byte> rows;   ///< [pairs, hidden]
  Allocation innerMemory;        ///< f32 [pairs, inner]
  std::vector<int32_t> order;    ///< [pairs]: 0, 1, 2, ...
  std::vector<int32_t> computed; ///< [pairs]
  std::vector<int32_t> offsets, slots;
  std::array<HostLaunch, kLaunches> launches;
  size_t count = 0; ///< Experts.
  int64_t hidden = 0;
  Tail left;
  bool running = false;
};

} // namespace sluice::experts
