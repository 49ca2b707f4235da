//===- hit_estimate.h - What a recording says of hit rates ------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/replay.h"
#include "runtime/experts/routing_trace.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::experts {

/// What a policy has in slots behind a warm-up, and what it stands on.
struct HitEstimate {
  uint64_t demands = 0, hits = 0; ///< Of the steps that count.
  uint64_t tokens = 0;            ///< Of the steps that count.
  /// demands / slots: how often a slot had the chance to prove its worth.
  double demandsPerSlot = 0;
  /// Layers of the steps that count, by their misses and those on the disk.
  /// Misses come in bunches: a new text misses everywhere, a repetition
  /// nowhere.
  std::vector<LayersAlike> layersAlike;
  /// [r]: missing experts, of those steps, that served r rows.
  std::vector<uint64_t> missesByRows;

  double rate() const {
    return demands == 0
               ? 0.0
               : static_cast<double>(hits) / static_cast<double>(demands);
  }
};

/// Looks at slots that an estimate takes where nobody says otherwise.
inline constexpr uint64_t kMostVisits = 100'000'000;

/// The experts on the disk, and what that costs.
struct DiskTier {
  /// [bank * experts + expert], 1: on the disk. Empty: none.
  std::span<const uint8_t> onDisk = {};
  /// A miss of one of them over one in the host's memory, as the policy knows.
  float cost = 1;
  /// Load knew how often the trace uses each expert, as it does of a recording
  /// that a plan was compiled with.
  bool knowsDemand = true;
};

/// Plays `trace` against `policy`, `rowsPerStep` rows a step; of the missing
/// experts the CPU computes some where `hostShare` is above 0 (replay.h), none
/// of `disk`. The pool starts empty, and with a disk full of those whose misses
/// cost most. The steps that demand as many experts as it holds, and a few more
/// in which the policy comes to know them, are not counted, but at most half of
/// all. All others are: what is demanded there for the first time is a miss, as
/// it would be with more text, unless load brought it. Recordings of fewer than
/// two steps give no demands.
///
/// Where about `mostVisits` looks at slots do not suffice for that, some layers
/// are played with as small a part of the slots (sampling in space, as SHARDS
/// does: C. A. Waldspurger et al., FAST 2015); where a few layers are too many
/// still, the recording's beginning. InvalidArgument for 0 slots, 0 rows or no
/// tokens.
Result<HitEstimate> estimateHits(const RoutingTrace &trace, uint32_t slots,
                                 uint32_t rowsPerStep, std::string_view policy,
                                 double hostShare = 0,
                                 uint64_t mostVisits = kMostVisits,
                                 const DiskTier &disk = {});

/// What tokens that use all experts alike go through.
struct UniformRouting {
  uint32_t banks = 0;   ///< MoE layers.
  uint32_t experts = 0; ///< Of each bank.
  uint32_t topK = 0;    ///< 1..experts
};

/// The same of made-up tokens, as many as it takes, through a few layers.
/// InvalidArgument for 0 of anything, and more top-k than experts.
Result<HitEstimate> estimateUniformHits(const UniformRouting &routing,
                                        uint32_t slots, uint32_t rowsPerStep,
                                        std::string_view policy,
                                        double hostShare = 0,
                                        const DiskTier &disk = {});

/// How often a step misses each expert, [bank * experts + expert], 0 to 1, of
/// the same play and of two steps more that miss experts as all steps demand
/// them; empty where it gives no demands. All layers are played:
/// where `mostVisits` do not suffice, some at once with as small a part of the
/// slots, then the others.
Result<std::vector<double>> estimateMisses(const RoutingTrace &trace,
                                           uint32_t slots, uint32_t rowsPerStep,
                                           std::string_view policy,
                                           double hostShare = 0,
                                           uint64_t mostVisits = kMostVisits);

/// Tokens of `trace` that no other before them was routed like, in all layers.
/// A token that repeats another says nothing new of other text.
uint64_t distinctTokens(const RoutingTrace &trace);

} // namespace sluice::experts
