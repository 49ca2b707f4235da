//===- replayed_hits.h - Tokens played for the planner ----------*- C++ -*-===//
#pragma once

#include "compiler/analysis/planner.h"
#include "runtime/experts/routing_trace.h"

#include <cstdint>

namespace sluice::tools {

/// Plays the tokens as the runtime's default policy would meet them. `distinct`
/// of them are routed like no other.
ReplayedHits replayHits(const experts::RoutingTrace &trace, uint64_t distinct,
                        int64_t batch, int64_t slots, double hostShare,
                        const DiskHomes &disk);

/// How often a step misses each expert, by layers, when the tokens are played
/// like that without a disk; empty where they are too few.
std::vector<std::vector<float>> replayMisses(const experts::RoutingTrace &trace,
                                             int64_t batch, int64_t slots,
                                             double hostShare);

/// Made-up tokens that use all experts of a model alike, as many as it takes:
/// believed fully.
RoutingEvidence uniformEvidence(const ModelShape &shape);

} // namespace sluice::tools
