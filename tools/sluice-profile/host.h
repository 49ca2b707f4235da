//===- host.h - What the CPU reads and computes -----------------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/core/hardware.h"
#include "tools/sluice-profile/expert_shape.h"

#include <string>

namespace sluice::tools {

struct HostBudget {
  /// Of memory that the figures are taken over; 0: as measuredBytes says for
  /// this machine.
  uint64_t bytes = 0;
  /// In which the plans at hand keep experts; 0 where none does.
  uint64_t planned = 0;
  double ms = 40; ///< About how long one figure may take; a mean takes longer.
};

/// Fills in what all cores read from memory (hostRead), the rate of the host
/// kernels over experts of this shape (hostExpert), what a job of them costs
/// beside its experts (hostJobUs, where that is more than nothing), and where
/// there is a bus what both reach at once (shared, where the times say it). All
/// but the first are of jobs as a layer makes them. The copy curves and
/// latencies of `into` are there. InvalidArgument where an expert does not fit
/// into the bytes that were asked for.
Status profileHost(Backend &backend, const HostBudget &budget,
                   const ExpertShape &shape, Hardware &into);

/// Fills in what large direct reads of a file give (diskRead). Says in words
/// why the figure stays as it is: a file that cannot be read so, or is shorter
/// than 64 MiB, where opening it would be a part of the figure. Empty: it is
/// measured.
std::string profileDisk(const std::string &path, Hardware &into);

} // namespace sluice::tools
