//===- replay.h - Policies on a recorded trace ------------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/belady.h"
#include "runtime/experts/policy.h"
#include "runtime/experts/routing_trace.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::experts {

/// Layers of steps that missed as many experts, and as many of them on the
/// disk.
struct LayersAlike {
  uint32_t misses = 0, onDisk = 0;
  uint64_t layers = 0;
  bool operator==(const LayersAlike &) const = default;
};

/// What a policy did on a trace. hits + misses == demands.
struct ReplayResult {
  uint64_t demands = 0, hits = 0, misses = 0, evictions = 0;
  uint64_t bytes = 0; ///< Bytes of the experts that came over the bus whole.
  /// The layers of the steps that count, in increasing order.
  std::vector<LayersAlike> layersAlike;
  /// [r]: missing experts, of the steps that count, that served r rows.
  std::vector<uint64_t> missesByRows;
  /// [id]: how often each expert was missed.
  std::vector<uint64_t> missesOf;

  double hitRate() const {
    return demands == 0
               ? 0.0
               : static_cast<double>(hits) / static_cast<double>(demands);
  }
};

/// How many of `missing` experts take a slot to stay where the CPU's part of
/// the rates of bus and CPU is `hostShare`, 0..1: those that the CPU computes
/// do not, also where the bus takes over the end of it. Divided as the engine
/// does: division.h, where of one alone nothing goes over.
uint32_t stayingOf(uint32_t missing, double hostShare);

/// How a trace is played.
struct ReplayOptions {
  uint64_t expertBytes = 0;
  uint64_t warmSteps = 0; ///< That come first and are not counted.
  /// The CPU's part of the rates of bus and CPU, 0..1: once the pool is full
  /// only stayingOf the missing experts take slots, those with most rows, and
  /// all that lie on the disk.
  double hostShare = 0;
  /// [id], 1: lies on the disk, where the CPU cannot compute it. Empty: none
  /// does.
  std::span<const uint8_t> onDisk = {};
  /// Distinct ids, at most as many as slots, that load brought into them.
  std::span<const uint32_t> resident = {};
};

/// Runs `policy` on `uses` with a pool of `slots` >= 1, as the engine does
/// without prefetch: all experts of a group are used and held, the missing ones
/// take slots; when a group needs more than there are, its own earliest go
/// first. `policy` must be made for the trace's banks.
ReplayResult replay(const UseTrace &uses, uint32_t slots,
                    std::unique_ptr<Policy> policy,
                    const ReplayOptions &options = {});

/// The same by name on a recorded trace, `rowsPerStep` rows a step.
Result<ReplayResult> replay(const RoutingTrace &trace, uint32_t slots,
                            uint32_t rowsPerStep, std::string_view policy,
                            const ReplayOptions &options = {});

/// Hit rates, 0..1, on one trace.
struct PolicyRates {
  uint32_t rowsPerStep = 0;
  double residency = 0; ///< Slots as a share of all experts.
  uint32_t slots = 0;
  std::array<double, kPolicyNames.size()> rates = {}; ///< As kPolicyNames.
  double belady = 0;                                  ///< The optimum's.
};

/// For each of `rowsPerStep` (n) and of `residencies` the hit rate of every
/// policy and of Belady's optimum. InvalidArgument, before anything is played,
/// for shares outside (0, 1], n of 0 or more than the trace's tokens, and an
/// empty trace.
Result<std::vector<PolicyRates>>
comparePolicies(const RoutingTrace &trace, std::span<const double> residencies,
                std::span<const uint32_t> rowsPerStep);

} // namespace sluice::experts
