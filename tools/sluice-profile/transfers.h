//===- transfers.h - Copies, launches and waits -----------------*- C++ -*-===//
#pragma once

#include "runtime/core/hardware.h"
#include "tools/sluice-profile/timer.h"

#include <vector>

namespace sluice::tools {

/// Fills in the copy curves for these sizes (bytes, ascending), the device's
/// bandwidth and the latencies of launches, graph nodes, small copies and
/// waits.
Status profileTransfers(Backend &backend, Timer &timer,
                        const std::vector<uint64_t> &sizes, Hardware &into);

} // namespace sluice::tools
