//===- division.h - Missing experts for CPU and bus -------------*- C++ -*-===//
//
// A missing expert comes over the bus or is computed where it lies, and both
// should end together. Arithmetic alone: the engine asks while a plan runs, and
// the replay of a recording to say what would stay in slots.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace sluice::experts {

/// Down's part of an expert whose three matrices are of one size: at most so
/// much of what the CPU was given goes over.
inline constexpr double kDownShare = 1.0 / 3;

/// What one expert takes, in microseconds or any other unit.
struct ExpertTimes {
  double host = 0, bus = 0;
};

/// How many of `missing` experts the CPU takes, so that it and the bus, which
/// has `queued` more to move, end as early as possible. Of each expert that the
/// CPU takes, the bus may take the part `tail` over again (down, as a share of
/// the bytes), as much of it as is best; 0: none of it. Of equal divisions the
/// one that gives the CPU least, but where the bus has something to begin with
/// one of which it should take some part over: a CPU that is faster than
/// expected cannot take anything from the bus. When nothing is left for the
/// bus, what is queued is not waited for.
uint32_t divide(uint32_t missing, uint32_t queued, double tail,
                const ExpertTimes &times);

/// Experts' worth that the bus should take over from a CPU which has `hostUs`
/// to go and takes `times.host` for each, when the bus has `busUs` to go; 0 or
/// more.
double handOver(double hostUs, double busUs, const ExpertTimes &times);

/// A job of the CPU that is under way.
struct HostProgress {
  double experts = 0; ///< That it was given.
  double left = 0;    ///< Share of their weights that is still to be read.
  double us = 0;      ///< Since it was started.
};

/// handOver where the CPU goes on as it did so far and the bus has `busUs` to
/// go and takes `busOneUs` for an expert. 0 as long as nothing is done, and
/// when nothing is left.
double handOver(const HostProgress &host, double busUs, double busOneUs);

} // namespace sluice::experts
