//===- prefetch_plan.cpp - How far ahead experts move ---------------------===//

#include "compiler/analysis/prefetch_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace sluice {
namespace {

/// Adds to sums[i], times `weight`, the mean of the i + 1 largest of `chances`,
/// or of all where there are fewer. Changes the order of `chances`.
void addMeansOfBest(std::vector<double> &chances, double weight,
                    std::vector<double> &sums) {
  const size_t most = std::min(sums.size(), chances.size());
  std::partial_sort(chances.begin(),
                    chances.begin() + static_cast<std::ptrdiff_t>(most),
                    chances.end(), std::greater());
  double sum = 0, mean = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (i < most) {
      sum += chances[i];
      mean = sum / static_cast<double>(i + 1);
    }
    sums[i] += weight * mean;
  }
}

/// What follows an expert goes by popularity as if so many tokens more had used
/// it: a few say little.
constexpr double kDoubt = 4;

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

  /// Adds the precision at each limit to `sums`.
  void addTo(std::vector<double> &sums) const {
    if (!transitions || !addGiven(sums))
      addAlone(sums);
  }

private:
  void addAlone(std::vector<double> &sums) const {
    std::vector<double> chances;
    chances.reserve(missing.size());
    for (size_t expert : missing)
      chances.push_back(useProbability(popularity[expert], rows));
    addMeansOfBest(chances, 1, sums);
  }

  /// One of the rows is known to have used expert i of the layer before. False
  /// where no expert was.
  bool addGiven(std::vector<double> &sums) const {
    double all = 0;
    for (int32_t count : *transitions)
      all += count;
    if (all <= 0)
      return false;
    std::vector<double> others(experts), chances;
    for (size_t j : missing)
      others[j] = 1 - useProbability(popularity[j], rows - 1);
    for (size_t i = 0; i < experts; ++i) {
      const int32_t *row = transitions->data() + i * experts;
      double uses = 0; // each token that used i counts top_k times
      for (size_t j = 0; j < experts; ++j)
        uses += row[j];
      if (uses <= 0)
        continue;
      const double tokens = uses / static_cast<double>(layer.topK);
      chances.clear();
      for (size_t j : missing) {
        const double one = std::min(1.0, (row[j] + kDoubt * popularity[j]) /
                                             (tokens + kDoubt));
        chances.push_back(1 - (1 - one) * others[j]);
      }
      addMeansOfBest(chances, uses / all, sums);
    }
    return true;
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

std::vector<double> prefetchPrecision(const PlannerInputs &inputs,
                                      int64_t batch, double residentShare,
                                      int64_t most) {
  const std::vector<LayerShape> &layers = inputs.model.layers;
  const bool informed = inputs.routing || inputs.evidence;
  std::vector<double> sums(static_cast<size_t>(most));
  double count = 0;
  // Without data one layer is as another.
  for (size_t i = 0; i < layers.size() && (informed || i == 0); ++i, ++count)
    Precision(inputs, layers[i], i, batch, residentShare).addTo(sums);
  for (double &sum : sums)
    sum /= std::max(count, 1.0);
  return sums;
}

PrefetchPlan planPrefetch(const PlannerInputs &inputs, const StepPlan &plan,
                          std::span<const ExpertLoad> loads,
                          std::vector<double> &precision) {
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
  const StepCost without = stepCost(model, plan, loads, *inputs.hardware);
  const double window =
      (without.sum.attention + without.sum.roundTrip) / layers;
  const double copy = inputs.hardware->hostToDeviceUs(
      static_cast<double>(model.layers.front().expertBytes));
  const double resident =
      std::min(1.0, static_cast<double>(plan.slots) /
                        static_cast<double>(model.experts()));
  const double misses = without.sum.misses / layers;
  double active = 0;
  for (const ExpertLoad &load : loads)
    active += load.active;
  const double use = active / static_cast<double>(model.experts());
  const double breakEven = use / (1 + use);
  const double leastGain =
      plan.mode == ExpertMode::Split ? kLeastGainShared : kLeastGain;
  const std::string fits = microseconds(window) +
                           " of attention, gate and round trip a layer, " +
                           microseconds(copy) + " an expert";

  // Half the slots stay with what the layers keep, and a layer's experts should
  // have room beside what comes before them.
  const auto room =
      plan.slots - static_cast<int64_t>(std::ceil(active / layers));
  const auto most = std::min<int64_t>(
      {static_cast<int64_t>(std::ceil(window / copy)), plan.slots / 2, room,
       static_cast<int64_t>(std::ceil(misses)), 64});
  const auto needed = static_cast<size_t>(std::max<int64_t>(1, most));
  if (precision.size() < needed)
    precision = prefetchPrecision(inputs, plan.batch, resident,
                                  static_cast<int64_t>(needed));
  none.precision = precision.front();
  PrefetchPlan best = none;
  double bestUs = without.totalUs;
  for (int64_t limit = 1; limit <= most; ++limit) {
    StepPlan with = plan;
    with.prefetchLimit = limit;
    with.prefetchPrecision = precision[static_cast<size_t>(limit - 1)];
    const double wasted =
        static_cast<double>(limit) * (1 - with.prefetchPrecision) * (1 + use);
    if (with.prefetchPrecision <= breakEven || wasted > kMostWaste * misses)
      continue;
    double us = stepCost(model, with, loads, *inputs.hardware).totalUs;
    if (us < (1 - leastGain) * without.totalUs && us < bestUs * 0.9999) {
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
    best.reason = "off: it would not make a step shorter by " +
                  percent(leastGain) + " (" + fits + ", " +
                  percent(none.precision) + " used)";
  return best;
}

} // namespace sluice
