//===- cost_model.h - What a step of a plan costs ---------------*- C++ -*-===//
//
// Plain values in and out. The time of a decode step is the sum over its layers
// of
//
//   attention and gate            roofline of each launch
//   + host round trip             the ids reach the host, the first copy starts
//   + max(bus, disk, host, GPU)   missing experts move or are computed where
//                                 they lie while those that are there run
//   + what cannot overlap         the copy of what was read from disk last, the
//                                 last wave, join, combine
//
// plus the head. The bus and the CPU read the same memory: while both run they
// take the rates of Hardware::together. Misses are divided so that both end
// together, as far as the bus may take over the end of what the CPU was given:
// runtime/experts/division.h. A launch takes
// its measured time where hw.json has one, else a launch overhead and max(bytes
// / device bandwidth, flops / peak) (Williams et al., Roofline, CACM 2009). How
// many experts a layer needs: expected_union.h. Times are microseconds.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/analysis/expected_union.h"
#include "compiler/pipeline/options.h"
#include "runtime/core/hardware.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// One launch of a decode step.
struct OpShape {
  Kernel kernel = Kernel::Linear;
  /// With so many rows the launch uses the matrix units; 0: never.
  int64_t tensorFrom = 0;
  std::vector<int64_t> dims; ///< As in the kernel's signature.
  double weightBytes = 0;    ///< Read once, whatever the rows.
  double rowBytes = 0;       ///< Read and written for each row.
  double contextBytes = 0;   ///< Read for each row and token of context.
  bool gate = false;         ///< Part of the router, not of attention.
  double rowFlops = 0;       ///< Per row.
  double contextFlops = 0;   ///< Per row and token of context.

  bool operator==(const OpShape &) const = default;
};

/// One layer with experts, and the launches since the layer before.
struct LayerShape {
  int64_t layer = 0;
  std::vector<OpShape> before; ///< Attention, router, dense layers.
  int64_t experts = 0, topK = 0, hidden = 0, inner = 0;
  uint64_t expertBytes = 0; ///< What moves for one expert: its slot.
};

struct ModelShape {
  std::string name;
  std::vector<LayerShape> layers;
  std::vector<OpShape> head; ///< After the last experts, on every row.
  int64_t experts() const;   ///< Of all layers together.
};

/// What `routing` says of the layer's experts, or null.
const LayerRouting *findRouting(const RoutingStatistics *routing,
                                const LayerShape &layer);

/// A layer of a step that misses so many experts, some of them on the disk.
struct LayerMisses {
  double misses = 0, onDisk = 0;
  double chance = 0;
  bool operator==(const LayerMisses &) const = default;
};

/// Experts of one layer in one step, as expectations.
struct ExpertLoad {
  double active = 0; ///< Distinct experts that have rows.
  double hits = 0;   ///< Of those, already in a slot.
  /// What its steps miss, misses() on average; empty: evenMisses, of which
  /// StepPlan::diskShare lie on the disk by chance. Times are no linear
  /// function of either number: a layer that misses all or none is not as one
  /// that always misses half, and one that misses nothing on the disk hides
  /// nothing behind it.
  std::vector<LayerMisses> layers = {};
  /// [r]: chance that one that is missing serves r rows; empty: all serve as
  /// many.
  std::vector<double> rows = {};
  double misses() const { return active - hits; }
  bool operator==(const ExpertLoad &) const = default;
};

/// [m]: chance that m experts are missing, `misses` on average, where each of
/// `active` is with the same chance (binomial). A whole number of experts is
/// active then: `active` is rounded, up where `misses` needs it.
std::vector<double> evenMisses(double active, double misses);

/// From so many missing experts on their mean stands for all.
inline constexpr double kManyMisses = 64;

/// Layers that miss `misses` experts, of which each lies on the disk by the
/// same chance, `diskShare`: their chances add up to 1. Rare ones are left out;
/// of many missing experts, or where all or none lie there, there is one with
/// the mean.
std::vector<LayerMisses> byDiskChance(double misses, double diskShare);

/// How a step is run.
struct StepPlan {
  int64_t batch = 1;     ///< n: rows of a decode step.
  int64_t context = 512; ///< Tokens that each row attends to.
  int64_t slots = 0;     ///< Experts that fit device memory at once.
  bool resident = false; ///< Every expert has a slot for good.
  double diskShare = 0;  ///< Of missing experts, those that lie on the disk.
  ExpertMode mode = ExpertMode::Fetch;
  /// For Split: what the plan says until a run has learned better. Times are
  /// those of the best number of experts.
  double hostShare = 0;
  int64_t prefetchLimit = 0;
  double prefetchPrecision = 0; ///< Chance that a prefetched expert is used.
  int64_t waveBytes = int64_t{32} << 20;
  ScheduleKind schedule = ScheduleKind::Planned;
  /// Every layer's, from replayed routing; nothing: unknown.
  std::optional<ExpertLoad> load;
  bool merged = true; ///< One union of all batches; else a demand each.
  bool graphs = true; ///< Launches of attention and gate come from a graph.
};

/// The loads of all layers, with their rows: the policy is taken to keep the
/// likeliest experts of all layers, by popularity where `routing` has it.
/// `plan.load`, where it is given, replaces that.
std::vector<ExpertLoad> expertLoads(const ModelShape &model,
                                    const StepPlan &plan,
                                    const RoutingStatistics *routing);

/// One layer of a step.
struct LayerCost {
  double attention = 0; ///< Launches before the experts, gate included.
  double roundTrip = 0; ///< Ids to the host and back to the first launch.
  double bus = 0;       ///< Copies after the ids are known.
  double disk = 0;
  double host = 0;   ///< Host experts.
  double gpu = 0;    ///< Expert kernels on the GPU.
  double hidden = 0; ///< Copies that prefetch moved before the ids.
  /// From the round trip until the last of bus, disk, host and GPU is done; the
  /// serial schedule begins with the GPU when the others are done.
  double together = 0;
  double tail = 0;    ///< After that: last copy and wave, join, combine.
  double total = 0;   ///< attention + roundTrip + together + tail
  double misses = 0;  ///< Experts that were not in a slot.
  double fetched = 0; ///< Of those, what the bus moved after the ids.
};

struct StepCost {
  LayerCost sum; ///< Over the layers.
  double head = 0;
  double totalUs = 0;
  double tokensPerSecond = 0; ///< Of all batches together.
  double missedBytes = 0;     ///< Of demanded experts not in slots.
  /// "bus", "disk", "host", "GPU experts" or "attention".
  const char *bound = "";
};

/// Time of one launch with `rows` rows.
double opUs(const OpShape &op, double rows, double context, bool graphs,
            const Hardware &hardware);

/// GPU time of one expert that serves `rows` rows, among others in a launch.
double expertGpuUs(const LayerShape &layer, double rows,
                   const Hardware &hardware);

/// Host time of one such expert.
double expertHostUs(const LayerShape &layer, double rows,
                    const Hardware &hardware);

LayerCost layerCost(const LayerShape &layer, const ExpertLoad &load,
                    const StepPlan &plan, const Hardware &hardware);

StepCost stepCost(const ModelShape &model, const StepPlan &plan,
                  const RoutingStatistics *routing, const Hardware &hardware);
/// The same with the loads at hand, as expertLoads gives them.
StepCost stepCost(const ModelShape &model, const StepPlan &plan,
                  std::span<const ExpertLoad> loads, const Hardware &hardware);

} // namespace sluice
