//===- planner.cpp - Decides how experts move -----------------------------===//

#include "compiler/analysis/planner.h"

#include "compiler/analysis/prefetch_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace sluice {
namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...) {
  char text[240];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

std::string line(const char *name, const std::string &text) {
  return format("%-24s ", name) + text;
}

/// Launches of a wave may take this share of the time its copies take.
constexpr double kLaunchShare = 0.25;

int64_t chooseWaveBytes(const PlannerInputs &inputs) {
  const LayerShape &layer = inputs.model.layers.front();
  const auto bytes = static_cast<double>(layer.expertBytes);
  const double launches =
      2 * inputs.hardware->launchUs.value + inputs.hardware->syncUs.value;
  const double copy = inputs.hardware->hostToDeviceUs(bytes);
  const double experts = std::ceil(launches / (kLaunchShare * copy));
  return static_cast<int64_t>(
      bytes * std::clamp(experts, 1.0, static_cast<double>(layer.experts)));
}

/// The share at which bus and host end together, for the mean layer.
double chooseHostShare(const PlannerInputs &inputs, const StepPlan &plan) {
  const LayerShape &layer = inputs.model.layers.front();
  double active = 0;
  for (const ExpertLoad &load : expertLoads(inputs.model, plan, inputs.routing))
    active += load.active;
  active /= static_cast<double>(inputs.model.layers.size());
  const double rows =
      active > 0 ? std::max(1.0, static_cast<double>(plan.batch) *
                                     static_cast<double>(layer.topK) / active)
                 : 1.0;
  return balancedHostShare(
      inputs.hardware->hostToDeviceUs(static_cast<double>(layer.expertBytes)),
      expertHostUs(layer, rows, *inputs.hardware));
}

struct Candidate {
  StepPlan plan;
  StepCost cost;
  PrefetchPlan prefetch;
};

Candidate tryMode(const PlannerInputs &inputs, StepPlan plan, ExpertMode mode) {
  Candidate result;
  plan.mode = mode;
  plan.hostShare = mode == ExpertMode::Host    ? 1
                   : mode == ExpertMode::Split ? chooseHostShare(inputs, plan)
                                               : 0;
  result.prefetch = planPrefetch(inputs, plan);
  plan.prefetchLimit = result.prefetch.limit;
  plan.prefetchPrecision =
      result.prefetch.limit ? result.prefetch.precision : 0;
  result.plan = plan;
  result.cost = stepCost(inputs.model, plan, inputs.routing, *inputs.hardware);
  return result;
}

/// The requested mode, or of all the one that ends first; each on the way is
/// named in `compared`.
Candidate chooseMode(const PlannerInputs &inputs, const StepPlan &plan,
                     std::string &compared) {
  if (inputs.schedule == ScheduleKind::Serial)
    return tryMode(inputs, plan, ExpertMode::Fetch);
  if (inputs.mode != ExpertMode::Auto)
    return tryMode(inputs, plan, inputs.mode);
  Candidate best;
  for (ExpertMode mode :
       {ExpertMode::Fetch, ExpertMode::Split, ExpertMode::Host}) {
    Candidate one = tryMode(inputs, plan, mode);
    compared += format("%s%s %.2f ms", compared.empty() ? "" : ", ", name(mode),
                       one.cost.totalUs / 1e3);
    // Another way must be worth its second engine.
    if (mode == ExpertMode::Fetch ||
        one.cost.totalUs < 0.98 * best.cost.totalUs)
      best = std::move(one);
  }
  return best;
}

void explainTime(const PlannerInputs &inputs, const StepPlan &plan,
                 const StepCost &cost, std::vector<std::string> &lines) {
  const double layers = static_cast<double>(inputs.model.layers.size());
  lines.push_back(line("hardware", inputs.hardware->name));
  lines.push_back(
      line("predicted step",
           format("%.3f ms, %.1f tokens a second of %lld batches with %lld "
                  "tokens of context each",
                  cost.totalUs / 1e3, cost.tokensPerSecond,
                  static_cast<long long>(plan.batch),
                  static_cast<long long>(plan.context))));
  lines.push_back(line("  bound by", cost.bound));
  if (!plan.resident)
    lines.push_back(line(
        "  experts a layer",
        format("%.2f missing, %.2f of them over the bus after the ids, %.2f GB "
               "missed a step",
               cost.sum.misses / layers, cost.sum.fetched / layers,
               cost.missedBytes / 1e9)));
  lines.push_back(
      line("  a layer",
           format("%.1f us: attention and gate %.1f, round trip %.1f, bus "
                  "%.1f, disk %.1f, host %.1f, GPU experts %.1f",
                  cost.sum.total / layers, cost.sum.attention / layers,
                  cost.sum.roundTrip / layers, cost.sum.bus / layers,
                  cost.sum.disk / layers, cost.sum.host / layers,
                  cost.sum.gpu / layers)));
  lines.push_back(line("  head", format("%.1f us", cost.head)));
}

} // namespace

PlannerReport decide(const PlannerInputs &inputs, int64_t batch,
                     const ExpertRoom &room) {
  PlannerReport report;
  const int64_t experts = inputs.model.experts();
  StepPlan plan;
  plan.batch = batch;
  plan.context = inputs.context;
  plan.merged = inputs.merged;
  plan.graphs = inputs.graphs;
  plan.schedule = inputs.schedule;
  plan.slots = std::min(room.slots, experts);
  if (room.slots >= experts || experts == 0) {
    plan.resident = true;
    report.plan = plan;
    report.cost =
        stepCost(inputs.model, plan, inputs.routing, *inputs.hardware);
    report.lines.push_back(
        line("experts", experts ? format("all %lld stay on the GPU: nothing "
                                         "moves while a step runs",
                                         static_cast<long long>(experts))
                                : "none"));
    explainTime(inputs, plan, report.cost, report.lines);
    report.decisions.predictedStepMs = report.cost.totalUs / 1e3;
    return report;
  }
  plan.diskShare = 1 - std::min(1.0, static_cast<double>(room.hostExperts) /
                                         static_cast<double>(experts));
  if (inputs.evidence && inputs.evidence->hitRate &&
      plan.schedule == ScheduleKind::Planned)
    plan.hitRate = inputs.evidence->hitRate(batch, room.slots);
  plan.waveBytes =
      plan.schedule == ScheduleKind::Serial ? 0 : chooseWaveBytes(inputs);

  std::string compared;
  Candidate chosen = chooseMode(inputs, plan, compared);
  report.plan = chosen.plan;
  report.cost = chosen.cost;
  ExpertDecisions &decisions = report.decisions;
  decisions.mode = chosen.plan.mode;
  decisions.hostShare = chosen.plan.hostShare;
  decisions.prefetchLimit = chosen.plan.prefetchLimit;
  decisions.waveBytes = chosen.plan.waveBytes;
  decisions.predictedStepMs = chosen.cost.totalUs / 1e3;

  std::vector<std::string> &lines = report.lines;
  lines.push_back(line("kept at first",
                       inputs.routing
                           ? "the likeliest of all layers, by recorded routing"
                           : "the same number of each layer: no --routing"));
  lines.push_back(
      line("policy", decisions.policy + (plan.hitRate >= 0
                                             ? format(": replayed routing "
                                                      "finds %.1f%% in slots",
                                                      100 * plan.hitRate)
                                             : "")));
  lines.push_back(line("schedule", plan.schedule == ScheduleKind::Serial
                                       ? "serial"
                                       : "planned"));
  std::string mode = name(decisions.mode);
  if (decisions.mode == ExpertMode::Split)
    mode += format(": %.0f%% of missed bytes on the CPU, so that bus and host "
                   "end together",
                   100 * decisions.hostShare);
  if (!compared.empty())
    mode += " (" + compared + ")";
  lines.push_back(line("missing experts", mode));
  lines.push_back(
      line("prefetch depth",
           format("%lld; ", static_cast<long long>(decisions.prefetchLimit)) +
               chosen.prefetch.reason));
  if (plan.schedule == ScheduleKind::Planned) {
    const auto wave = static_cast<double>(decisions.waveBytes);
    lines.push_back(
        line("wave",
             format("%lld bytes: its copies take %.0f us, its launches %.0f us",
                    static_cast<long long>(decisions.waveBytes),
                    inputs.hardware->hostToDeviceUs(wave),
                    2 * inputs.hardware->launchUs.value)));
  }
  explainTime(inputs, report.plan, report.cost, lines);
  return report;
}

} // namespace sluice
