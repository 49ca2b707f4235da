//===- cost_model.cpp - What a step of a plan costs -----------------------===//

#include "compiler/analysis/cost_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace sluice {
namespace {

/// Bytes over GB/s, in microseconds.
double streamUs(double bytes, double gigabytesPerSecond) {
  return bytes / (gigabytesPerSecond * 1e3);
}

/// `count` experts of a layer that a step uses with the same chance, a token
/// with chance `one`.
struct Chance {
  double chance = 0, count = 1;
  size_t layer = 0;
  double one = 0;
};

/// Adds to sums[r], times `weight`, the chance that r of `rows` rows use an
/// expert that each uses with chance `one`; not to that of none.
void addRows(double one, int64_t rows, double weight,
             std::vector<double> &sums) {
  sums.resize(std::max<size_t>(sums.size(), static_cast<size_t>(rows) + 1));
  const auto all = static_cast<double>(rows);
  double chance = std::pow(1 - one, all); // of none
  if (one >= 1 || chance <= 0) {          // too small for a number
    sums[static_cast<size_t>(std::clamp<int64_t>(
        std::llround(all * one), std::min<int64_t>(1, rows), rows))] += weight;
    return;
  }
  for (int64_t r = 1; r <= rows; ++r) {
    const auto count = static_cast<double>(r);
    chance *= (all - count + 1) / count * one / (1 - one);
    sums[static_cast<size_t>(r)] += weight * chance;
  }
}

void addChances(const LayerShape &layer, size_t index, double rows,
                const RoutingStatistics *routing, std::vector<Chance> &out) {
  if (const LayerRouting *recorded = findRouting(routing, layer)) {
    for (float p : recorded->popularity)
      out.push_back({useProbability(p, rows), 1, index, p});
    return;
  }
  const auto experts = static_cast<double>(layer.experts);
  const double even = static_cast<double>(layer.topK) / experts;
  out.push_back({useProbability(even, rows), experts, index, even});
}

bool alike(const LayerShape &a, const LayerShape &b) {
  return a.before == b.before && a.experts == b.experts && a.topK == b.topK &&
         a.hidden == b.hidden && a.inner == b.inner &&
         a.expertBytes == b.expertBytes;
}

} // namespace

int64_t ModelShape::experts() const {
  int64_t sum = 0;
  for (const LayerShape &layer : layers)
    sum += layer.experts;
  return sum;
}

double opUs(const OpShape &op, double rows, double context, bool graphs,
            const Hardware &hardware) {
  const double overhead =
      graphs ? hardware.graphNodeUs.value : hardware.launchUs.value;
  const Arithmetic arithmetic =
      op.tensorFrom > 0 && rows >= static_cast<double>(op.tensorFrom)
          ? Arithmetic::Tensor
          : Arithmetic::Portable;
  if (auto measured = hardware.kernelUs(op.kernel, arithmetic, op.dims, rows,
                                        op.contextBytes > 0 ? context : 0))
    return std::max(*measured, overhead);
  const double peak = (arithmetic == Arithmetic::Tensor ? hardware.tensorTflops
                                                        : hardware.vectorTflops)
                          .value *
                      1e6; // flops a microsecond
  const double bytes =
      op.weightBytes + rows * (op.rowBytes + context * op.contextBytes);
  return overhead +
         std::max(streamUs(bytes, hardware.deviceBandwidth.value),
                  rows * (op.rowFlops + context * op.contextFlops) / peak);
}

const LayerRouting *findRouting(const RoutingStatistics *routing,
                                const LayerShape &layer) {
  if (routing)
    for (const LayerRouting &recorded : *routing)
      if (recorded.layer == layer.layer &&
          recorded.popularity.size() == static_cast<size_t>(layer.experts))
        return &recorded;
  return nullptr;
}

std::vector<ExpertLoad> expertLoads(const ModelShape &model,
                                    const StepPlan &plan,
                                    const RoutingStatistics *routing) {
  if (plan.load && !plan.resident)
    return std::vector<ExpertLoad>(model.layers.size(), *plan.load);
  std::vector<ExpertLoad> loads(model.layers.size());
  std::vector<Chance> all;
  for (size_t i = 0; i < model.layers.size(); ++i)
    addChances(model.layers[i], i, static_cast<double>(plan.batch), routing,
               all);
  for (const Chance &one : all)
    loads[one.layer].active += one.chance * one.count;
  if (plan.resident) {
    for (ExpertLoad &load : loads)
      load.hits = load.active;
    return loads;
  }
  if (plan.schedule == ScheduleKind::Serial)
    return loads; // nothing stays
  std::ranges::sort(all, std::greater(), &Chance::chance);
  auto left = static_cast<double>(std::max<int64_t>(plan.slots, 0));
  for (size_t begin = 0, end = 0; begin < all.size() && left > 0; begin = end) {
    // Experts that are equally likely stay in equal shares: a tie must not
    // favour the layers that stand first.
    double count = 0;
    for (; end < all.size() && all[end].chance == all[begin].chance; ++end)
      count += all[end].count;
    const double share = std::min(1.0, left / count);
    for (size_t i = begin; i < end; ++i) {
      loads[all[i].layer].hits += all[i].chance * all[i].count * share;
      addRows(all[i].one, plan.batch, all[i].count * (1 - share),
              loads[all[i].layer].rows);
      all[i].count = 0; // counted
    }
    left -= count * share;
  }
  for (const Chance &one : all)
    if (one.count > 0)
      addRows(one.one, plan.batch, one.count, loads[one.layer].rows);
  for (ExpertLoad &load : loads)
    if (const double sum =
            std::accumulate(load.rows.begin(), load.rows.end(), 0.0);
        sum > 0)
      for (double &chance : load.rows)
        chance /= sum;
  return loads;
}

std::vector<LayerMisses> byDiskChance(double misses, double diskShare) {
  constexpr double kRare = 1e-4;
  const double mean = misses * diskShare;
  if (mean <= 0 || diskShare >= 1 || misses > kManyMisses)
    return {{misses, mean, 1}};
  std::vector<LayerMisses> layers;
  const std::vector<double> chances = evenMisses(misses, mean);
  double kept = 0;
  for (size_t onDisk = 0; onDisk < chances.size(); ++onDisk)
    if (chances[onDisk] >= kRare) {
      layers.push_back({misses, std::min(static_cast<double>(onDisk), misses),
                        chances[onDisk]});
      kept += chances[onDisk];
    }
  for (LayerMisses &one : layers)
    one.chance /= kept;
  return layers;
}

std::vector<double> evenMisses(double active, double misses) {
  constexpr double kRounding = 1e-6;
  const auto trials = static_cast<size_t>(std::max(
      std::llround(active), std::llround(std::ceil(misses - kRounding))));
  std::vector<double> chances(trials + 1, 0.0);
  const auto all = static_cast<double>(trials);
  const double chance = trials == 0 ? 0 : std::clamp(misses / all, 0.0, 1.0);
  if (chance <= 0 || chance >= 1) {
    chances[chance <= 0 ? 0 : trials] = 1;
    return chances;
  }
  for (size_t i = 0; i <= trials; ++i) {
    const auto count = static_cast<double>(i);
    chances[i] =
        std::exp(std::lgamma(all + 1) - std::lgamma(count + 1) -
                 std::lgamma(all - count + 1) + count * std::log(chance) +
                 (all - count) * std::log1p(-chance));
  }
  return chances;
}

StepCost stepCost(const ModelShape &model, const StepPlan &plan,
                  const RoutingStatistics *routing, const Hardware &hardware) {
  return stepCost(model, plan, expertLoads(model, plan, routing), hardware);
}

StepCost stepCost(const ModelShape &model, const StepPlan &plan,
                  std::span<const ExpertLoad> loads, const Hardware &hardware) {
  StepCost step;
  LayerCost one;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    if (i == 0 || loads[i] != loads[i - 1] ||
        !alike(model.layers[i], model.layers[i - 1]))
      one = layerCost(model.layers[i], loads[i], plan, hardware);
    step.missedBytes +=
        one.misses * static_cast<double>(model.layers[i].expertBytes);
    for (double LayerCost::*part :
         {&LayerCost::attention, &LayerCost::roundTrip, &LayerCost::bus,
          &LayerCost::disk, &LayerCost::host, &LayerCost::gpu,
          &LayerCost::hidden, &LayerCost::together, &LayerCost::tail,
          &LayerCost::total, &LayerCost::misses, &LayerCost::fetched})
      step.sum.*part += one.*part;
  }
  for (const OpShape &op : model.head)
    step.head +=
        opUs(op, static_cast<double>(plan.batch), 0, plan.graphs, hardware);
  // Inputs go to the device at the start, logits come back at the end.
  step.head += 2 * hardware.copyLatencyUs.value + hardware.syncUs.value;
  step.totalUs = step.sum.total + step.head;
  step.tokensPerSecond = 1e6 * static_cast<double>(plan.batch) / step.totalUs;
  const std::pair<const char *, double> candidates[] = {
      {"bus", step.sum.bus},
      {"disk", step.sum.disk},
      {"host", step.sum.host},
      {"GPU experts", step.sum.gpu},
      {"attention", step.sum.attention + step.head}};
  double most = -1;
  for (const auto &[name, us] : candidates)
    if (us > most) {
      most = us;
      step.bound = name;
    }
  return step;
}

} // namespace sluice
