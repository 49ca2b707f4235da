//===- prefetch_plan.cpp - How far ahead experts move ---------------------===//

#include "compiler/analysis/prefetch_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace sluice {
namespace {

/// Mean of the `limit` largest of `chances` after the first `skip` in order of
/// `rank`: the resident ones are the likeliest without evidence.
double meanOfBest(std::vector<double> chances, size_t limit) {
  limit = std::min(limit, chances.size());
  if (limit == 0)
    return 0;
  std::partial_sort(chances.begin(),
                    chances.begin() + static_cast<std::ptrdiff_t>(limit),
                    chances.end(), std::greater());
  double sum = 0;
  for (size_t i = 0; i < limit; ++i)
    sum += chances[i];
  return sum / static_cast<double>(limit);
}

class Precision {
public:
  Precision(const PlannerInputs &inputs, const LayerShape &layer, size_t index,
            int64_t batch, double residentShare)
      : layer(layer), rows(static_cast<double>(batch)),
        experts(static_cast<size_t>(layer.experts)),
        popularity(experts, static_cast<double>(layer.topK) /
                                static_cast<double>(layer.experts)),
        missing(experts) {
    if (const LayerRouting *recorded = findRouting(inputs.routing, layer))
      popularity.assign(recorded->popularity.begin(),
                        recorded->popularity.end());
    if (inputs.evidence && index < inputs.evidence->transitions.size() &&
        inputs.evidence->transitions[index].size() == experts * experts)
      transitions = &inputs.evidence->transitions[index];
    // Those in slots are the likeliest.
    for (size_t i = 0; i < experts; ++i)
      missing[i] = i;
    std::ranges::sort(missing, [this](size_t a, size_t b) {
      return popularity[a] != popularity[b] ? popularity[a] > popularity[b]
                                            : a < b;
    });
    auto resident = static_cast<size_t>(std::lround(
        std::clamp(residentShare, 0.0, 1.0) * static_cast<double>(experts)));
    missing.erase(missing.begin(),
                  missing.begin() + static_cast<std::ptrdiff_t>(resident));
  }

  double of(int64_t limit) const {
    return transitions ? given(static_cast<size_t>(limit))
                       : alone(static_cast<size_t>(limit));
  }

private:
  double alone(size_t limit) const {
    std::vector<double> chances;
    for (size_t expert : missing)
      chances.push_back(useProbability(popularity[expert], rows));
    return meanOfBest(std::move(chances), limit);
  }

  /// One of the rows is known to have used expert i of the layer before.
  double given(size_t limit) const {
    double sum = 0, weight = 0;
    for (size_t i = 0; i < experts; ++i) {
      const int32_t *row = transitions->data() + i * experts;
      double uses = 0; // each token that used i counts top_k times
      for (size_t j = 0; j < experts; ++j)
        uses += row[j];
      if (uses <= 0)
        continue;
      std::vector<double> chances;
      for (size_t j : missing) {
        const double one =
            std::min(1.0, row[j] * static_cast<double>(layer.topK) / uses);
        chances.push_back(
            1 - (1 - one) * (1 - useProbability(popularity[j], rows - 1)));
      }
      sum += uses * meanOfBest(std::move(chances), limit);
      weight += uses;
    }
    return weight > 0 ? sum / weight : alone(limit);
  }

  const LayerShape &layer;
  const double rows;
  const size_t experts;
  std::vector<double> popularity;
  const std::vector<int32_t> *transitions = nullptr;
  std::vector<size_t> missing;
};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f%%", 100 * share);
  return text;
}

std::string microseconds(double us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f us", us);
  return text;
}

} // namespace

double prefetchPrecision(const PlannerInputs &inputs, int64_t batch,
                         double residentShare, int64_t limit) {
  const std::vector<LayerShape> &layers = inputs.model.layers;
  const bool informed = inputs.routing || inputs.evidence;
  double sum = 0, count = 0;
  // Without data one layer is as another.
  for (size_t i = 0; i < layers.size() && (informed || i == 0); ++i, ++count)
    sum += Precision(inputs, layers[i], i, batch, residentShare).of(limit);
  return count > 0 ? sum / count : 0;
}

PrefetchPlan planPrefetch(const PlannerInputs &inputs, const StepPlan &plan) {
  PrefetchPlan none;
  if (!inputs.prefetch || plan.schedule == ScheduleKind::Serial) {
    none.reason = plan.schedule == ScheduleKind::Serial
                      ? "off: the serial schedule overlaps nothing"
                      : "off: schedule-prefetch is disabled";
    return none;
  }
  if (plan.mode == ExpertMode::Host) {
    none.reason = "off: no expert crosses the bus";
    return none;
  }
  const ModelShape &model = inputs.model;
  const auto layers = static_cast<double>(model.layers.size());
  const StepCost without =
      stepCost(model, plan, inputs.routing, *inputs.hardware);
  const double window =
      (without.sum.attention + without.sum.roundTrip) / layers;
  const double copy = inputs.hardware->hostToDeviceUs(
      static_cast<double>(model.layers.front().expertBytes));
  const double resident =
      std::min(1.0, static_cast<double>(plan.slots) /
                        static_cast<double>(model.experts()));
  const double misses = without.sum.misses / layers;
  double active = 0;
  for (const ExpertLoad &load : expertLoads(model, plan, inputs.routing))
    active += load.active;
  const double use = active / static_cast<double>(model.experts());
  const double breakEven = use / (1 + use);
  const std::string fits = microseconds(window) +
                           " of attention, gate and round trip a layer, " +
                           microseconds(copy) + " an expert";

  none.precision = prefetchPrecision(inputs, plan.batch, resident, 1);
  // Half the slots stay with what the layers keep.
  const auto most = std::min<int64_t>(
      {static_cast<int64_t>(std::ceil(window / copy)), plan.slots / 2,
       static_cast<int64_t>(std::ceil(misses)), 64});
  PrefetchPlan best = none;
  double bestUs = without.totalUs;
  for (int64_t limit = 1; limit <= most; ++limit) {
    StepPlan with = plan;
    with.prefetchLimit = limit;
    with.prefetchPrecision =
        prefetchPrecision(inputs, plan.batch, resident, limit);
    const double wasted =
        static_cast<double>(limit) * (1 - with.prefetchPrecision) * (1 + use);
    if (with.prefetchPrecision <= breakEven || wasted > kMostWaste * misses)
      continue;
    double us = stepCost(model, with, inputs.routing, *inputs.hardware).totalUs;
    if (us < bestUs * 0.9999) {
      bestUs = us;
      best.limit = limit;
      best.precision = with.prefetchPrecision;
    }
  }
  const double waste = (1 - none.precision) * (1 + use);
  if (best.limit > 0)
    best.reason = fits + "; " + percent(best.precision) +
                  " of what moves ahead is used (it pays from " +
                  percent(breakEven) + ")";
  else if (most < 1)
    best.reason = "off: nothing to move, or no slot to spare";
  else if (none.precision <= breakEven)
    best.reason = "off: " + percent(none.precision) +
                  " of what moves ahead would be used, it pays from " +
                  percent(breakEven);
  else if (waste > kMostWaste * misses)
    best.reason = "off: only " + percent(none.precision) +
                  " of what moves ahead would be used: more than " +
                  percent(kMostWaste) + " of the bytes on top";
  else
    best.reason = "off: it would not make a step shorter (" + fits + ", " +
                  percent(none.precision) + " used)";
  return best;
}

} // namespace sluice
