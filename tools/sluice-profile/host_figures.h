//===- host_figures.h - From times of jobs to figures -----------*- C++ -*-===//
//
// The arithmetic between what host_jobs.h measures and what hw.json holds.
// Times in microseconds, rates in GB/s, as in runtime/core/hardware.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/hardware.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::tools {

/// How much memory the host's figures are taken over, of a process that may
/// have `most` bytes: as much as plans keep experts in (`planned`), or where
/// that is 0 as near to a model's as a profile can afford.
uint64_t measuredBytes(uint64_t most, uint64_t planned);

/// The mean of at least one time, of which those longer than thrice the median
/// are left out: the machine did something else then. What is not as long is
/// the jitter that every step meets, and counts.
double meanUs(std::vector<double> us);

/// What is left of `us` > 0 without a part that has its own figure. A tenth at
/// least: where that part is all there is, the difference is noise.
double withoutUs(double us, double part);

/// y = at0 + each * x.
struct Line {
  double at0 = 0, each = 0;
};

/// The line with the least squares through points, at least two, of different
/// x > 0, with at0 >= 0: where it would be less, the one through zero.
Line fitLine(std::span<const Curve::Point> points);

/// Experts that a job and the bus work on at once.
struct JobAndCopies {
  int64_t experts = 0, copies = 0;
};

/// How many experts of the same size, by these rates: about as many as a layer
/// misses, shared so that both take about as long.
JobAndCopies shareEvenly(const HostRates &rates);

/// What one of two that read the host's memory was seen to do.
struct Reader {
  double bytes = 0;
  double us = 0;    ///< From the common start until it had read them.
  double alone = 0; ///< Its rate while the other reads nothing.
};

/// The rates while both read, if the one that ended last went on at its own
/// rate: the cost model's way from rates to times, backwards. Nothing where the
/// times fit no rates above 0.
std::optional<HostRates> ratesWhileBoth(const Reader &bus,
                                        const Reader &experts);

} // namespace sluice::tools
