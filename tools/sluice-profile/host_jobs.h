//===- host_jobs.h - Jobs of experts as a layer makes them ------*- C++ -*-===//
//
// A step gives the CPU a short job for every layer: a few experts anywhere in
// the memory that holds the model, while the bus moves others, and then nothing
// until the next layer's ids are there. Long jobs that go through little memory
// in order run a good part faster, so nothing can be predicted from them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"
#include "tools/sluice-profile/expert_shape.h"

#include <span>
#include <vector>

namespace sluice::tools {

/// What lies between a layer's last expert and the next layer's first: sums,
/// attention, gate, the ids' way to the host. In a run the CPU's threads are
/// still awake after it, so they must be here.
constexpr double kPauseUs = 75;

/// A kind of job and what the bus does beside it.
struct HostJob {
  int64_t experts = 1; ///< Each of other weights.
  int64_t rows = 1;    ///< That each expert serves.
  int64_t copies = 0;  ///< Of one more expert each, enqueued once it started.
};

/// Means over the jobs of one kind, as meanUs takes them.
struct HostJobTimes {
  double jobUs = 0;    ///< From the job's start to its end.
  double copiesUs = 0; ///< From there until the last copy's end was seen.
};

/// Numbers below `count` in an order that looks random: all of them before one
/// comes again.
class RandomPlaces {
public:
  /// `count` is at least 1.
  explicit RandomPlaces(int32_t count);
  int32_t next();

private:
  std::vector<int32_t> order;
  size_t at = 0;
};

class HostJobs {
public:
  /// `weights`: host memory of this backend, room for at least one expert,
  /// filled; stays as long as this. No host work runs.
  HostJobs(Backend &backend, const ExpertShape &shape,
           std::span<std::byte> weights);

  /// Runs jobs of all kinds in turns, so that whatever changes on the machine
  /// meanwhile changes them all, about `eachMs` for each, but never just a few.
  /// Uses event 0 and, for copies, the demand stream; nothing else may run.
  Result<std::vector<HostJobTimes>> measure(std::span<const HostJob> kinds,
                                            double eachMs);

  /// Of the weights that the jobs read.
  uint64_t bytes() const { return weights.size(); }

private:
  Backend &backend;
  const ExpertShape shape;
  std::span<std::byte> weights;
  RandomPlaces places;
};

} // namespace sluice::tools
