//===- disk_homes.h - Which experts are left to the disk --------*- C++ -*-===//
#pragma once

#include "compiler/analysis/planner.h"

#include <cstdint>
#include <vector>

namespace sluice {

/// As place-experts will divide them: those of `missed` (by layers, how often a
/// step misses each) that are missed most live in host memory, `hostExperts` of
/// them. Of those that are missed as often, and of all where `missed` is empty,
/// the likeliest by `routing` (may be null) do, equal ones in turn over the
/// layers. Layers have equally many experts, and one pool, as every model has
/// whose experts are of one type: of several, each has its own part of the
/// host.
DiskHomes chooseDiskHomes(const ModelShape &model,
                          const RoutingStatistics *routing,
                          const std::vector<std::vector<float>> &missed,
                          int64_t hostExperts);

/// What a miss of an expert on the disk takes over one that only crosses the
/// bus: at least 1.
double diskMissCost(const LayerShape &layer, const Hardware &hardware);

} // namespace sluice
