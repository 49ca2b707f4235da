//===- host_reading.h - What the CPU reads plainly --------------*- C++ -*-===//
//
// The ceilings of the host's expert kernels: the same bytes, only read. In
// order and over and over they are what the memory gives; as jobs of a layer's
// size, with a pause before each, what there is for kernels that are used so.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/hardware.h"
#include "tools/sluice-profile/host_jobs.h"

#include <span>
#include <string>

namespace sluice::tools {

/// GB/s that all cores read from the front of `weights` in order, of which no
/// cache holds much: the best of several passes, and their mean in the source.
/// No host work runs.
Figure profileRead(std::span<const std::byte> weights);

/// What plain reading of experts and the kernels make of the same kind of job,
/// in turns, as a text for the source of hostRead: jobs of a layer's size and
/// long ones. `weights` are those of `jobs`; each kind takes about `eachMs`,
/// and its reading too.
Result<std::string> compareWithReading(HostJobs &jobs,
                                       std::span<const std::byte> weights,
                                       const ExpertShape &shape, double eachMs);

} // namespace sluice::tools
