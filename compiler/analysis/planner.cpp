//===- planner.cpp - Decides how experts move -----------------------------===//

#include "compiler/analysis/planner.h"

#include "compiler/analysis/disk_homes.h"
#include "compiler/analysis/host_experts.h"
#include "compiler/analysis/prefetch_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <functional>

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

/// Adds `weight` times `chances` to `sums`.
void addShare(std::span<const double> chances, double weight,
              std::vector<double> &sums) {
  sums.resize(std::max(sums.size(), chances.size()));
  for (size_t i = 0; i < chances.size(); ++i)
    sums[i] += weight * chances[i];
}

/// The same of layers.
void addLayers(std::span<const LayerMisses> layers, double weight,
               std::vector<LayerMisses> &sums) {
  for (const LayerMisses &one : layers)
    if (const double chance = weight * one.chance; chance > 0)
      sums.push_back({one.misses, one.onDisk, chance});
}

/// What candidates share: the experts of a step by popularity, how many live in
/// host memory, how often each is missed where all that are missing come (once
/// it was asked for), and what prefetchPrecision found.
struct Situation {
  std::vector<ExpertLoad> loads;
  int64_t hostExperts = 0;
  std::vector<std::vector<float>> missedByAll;
  std::vector<double> precision;
};

/// The mean layer's experts and rows.
ExpertLoad meanLoad(std::span<const ExpertLoad> loads) {
  ExpertLoad mean;
  const auto count = static_cast<double>(loads.size());
  for (const ExpertLoad &load : loads) {
    mean.active += load.active / count;
    mean.hits += load.hits / count;
    addShare(load.rows, 1 / count, mean.rows);
  }
  return mean;
}

/// The share at which bus and host end together, for the mean layer.
double chooseHostShare(const PlannerInputs &inputs, const StepPlan &plan,
                       const Situation &situation) {
  const LayerShape &layer = inputs.model.layers.front();
  const double copy =
      inputs.hardware->hostToDeviceUs(static_cast<double>(layer.expertBytes));
  return HostExperts(layer, meanLoad(situation.loads),
                     static_cast<double>(plan.batch), *inputs.hardware)
      .balancedShare(copy);
}

/// What a layer demands and misses, for all of them: as replayed as far as that
/// is believed, for the rest as if the likeliest experts were kept and
/// `diskShare` of what is missing was on the disk. `text` says so. Nothing
/// where there is nothing to believe.
std::optional<ExpertLoad> blend(const ReplayedHits &replayed, bool isRecorded,
                                const std::vector<ExpertLoad> &loads,
                                double diskShare, std::string &text) {
  const ExpertLoad likeliest = meanLoad(loads);
  const double active = likeliest.active, kept = likeliest.hits;
  auto percentOf = [](double hits, double all) {
    return all > 0 ? 100 * hits / all : 0.0;
  };
  const double weight = replayed.weight();
  const auto tokens = static_cast<long long>(replayed.tokens);
  if (weight <= 0) {
    text = format(": %.1f%% in slots, by popularity alone",
                  percentOf(kept, active));
    if (isRecorded)
      text += format(": %lld recorded tokens are too few to replay", tokens);
    return std::nullopt;
  }
  ExpertLoad load;
  addLayers(replayed.layers, weight, load.layers);
  const std::vector<double> even = evenMisses(active, active - kept);
  for (size_t misses = 0; weight < 1 && misses < even.size(); ++misses)
    addLayers(byDiskChance(static_cast<double>(misses), diskShare),
              (1 - weight) * even[misses], load.layers);
  addShare(likeliest.rows, replayed.rows.empty() ? 1 : 1 - weight, load.rows);
  addShare(replayed.rows, weight, load.rows);
  const double misses =
      weight * replayed.misses() + (1 - weight) * (active - kept);
  load.active = weight * replayed.active + (1 - weight) * active;
  load.hits = load.active - misses;
  text = format(": %.1f%% in slots, ", percentOf(load.hits, load.active));
  text += isRecorded
              ? format("from %lld recorded tokens behind a warm-up", tokens)
              : "if all experts are used alike (no --routing)";
  if (weight < 1)
    text += format(
        ", which are few: their %.1f%% count for %.0f%%, popularity says "
        "%.1f%%",
        percentOf(replayed.active - replayed.misses(), replayed.active),
        100 * weight, percentOf(kept, active));
  return load;
}

struct Candidate {
  StepPlan plan;
  StepCost cost;
  PrefetchPlan prefetch;
  std::string hits; ///< What is known of them, for --explain.
  std::vector<std::vector<float>> missed; ///< As in ExpertDecisions.
};

/// What can be played for that plan. What the CPU computes does not come to
/// stay, so each mode has hits of its own. Where nothing is meant to come, the
/// likeliest are taken to stay as they were at first, but what lies on the disk
/// comes always.
const RoutingEvidence *evidenceFor(const PlannerInputs &inputs,
                                   const StepPlan &plan) {
  if (plan.schedule != ScheduleKind::Planned ||
      (plan.mode == ExpertMode::Host && plan.diskShare <= 0))
    return nullptr;
  const RoutingEvidence *found = inputs.evidence      ? inputs.evidence
                                 : plan.diskShare > 0 ? inputs.uniform
                                                      : nullptr;
  return found && found->hits ? found : nullptr;
}

/// How often a step misses each expert, as far as that is known. Where nothing
/// is meant to come but what the disk has, which is what this decides, as if
/// all came.
std::vector<std::vector<float>> missedBy(const RoutingEvidence &evidence,
                                         const StepPlan &plan,
                                         Situation &situation) {
  if (!evidence.missed)
    return {};
  if (plan.mode == ExpertMode::Split)
    return evidence.missed(plan.batch, plan.slots, plan.hostShare);
  if (situation.missedByAll.empty())
    situation.missedByAll = evidence.missed(plan.batch, plan.slots, 0);
  return situation.missedByAll;
}

/// The disk's share of what is missing as far as a recording does not say it:
/// if all experts were used alike.
double withoutRecording(const PlannerInputs &inputs, const StepPlan &plan,
                        const DiskHomes &disk) {
  if (!inputs.evidence || !inputs.uniform || !inputs.uniform->hits)
    return plan.diskShare;
  return inputs.uniform->hits(plan.batch, plan.slots, plan.hostShare, disk)
      .onDisk();
}

Candidate tryMode(const PlannerInputs &inputs, StepPlan plan, ExpertMode mode,
                  Situation &situation) {
  Candidate result;
  plan.mode = mode;
  plan.hostShare = mode == ExpertMode::Host ? 1
                   : mode == ExpertMode::Split
                       ? chooseHostShare(inputs, plan, situation)
                       : 0;
  const RoutingEvidence *evidence = evidenceFor(inputs, plan);
  if (evidence) {
    DiskHomes disk;
    if (plan.diskShare > 0) {
      result.missed = missedBy(*evidence, plan, situation);
      disk = chooseDiskHomes(inputs.model, inputs.routing, result.missed,
                             situation.hostExperts);
      disk.cost = diskMissCost(inputs.model.layers.front(), *inputs.hardware);
    }
    const ReplayedHits replayed =
        evidence->hits(plan.batch, plan.slots, plan.hostShare, disk);
    if (plan.diskShare > 0 && replayed.weight() < 1)
      plan.diskShare = withoutRecording(inputs, plan, disk);
    plan.load = blend(replayed, evidence == inputs.evidence, situation.loads,
                      plan.diskShare, result.hits);
    plan.diskShare =
        std::lerp(plan.diskShare, replayed.onDisk(), replayed.weight());
  }
  const std::vector<ExpertLoad> loads =
      plan.load ? expertLoads(inputs.model, plan, inputs.routing)
                : situation.loads;
  result.prefetch = planPrefetch(inputs, plan, loads, situation.precision);
  plan.prefetchLimit = result.prefetch.limit;
  plan.prefetchPrecision =
      result.prefetch.limit ? result.prefetch.precision : 0;
  result.plan = plan;
  result.cost = stepCost(inputs.model, plan, loads, *inputs.hardware);
  return result;
}

/// Why nothing but the GPU can compute what is missing; empty where the CPU
/// can, too.
const char *onlyFetch(const PlannerInputs &inputs, const StepPlan &plan) {
  if (inputs.schedule == ScheduleKind::Serial)
    return "the serial schedule leaves nothing to the CPU";
  if (!inputs.split)
    return "split-misses is disabled";
  if (!inputs.merged && plan.batch > 1)
    return "merge-expert-io is disabled, and the CPU computes whole unions of "
           "batches only";
  return "";
}

/// The requested mode, or of all the one that ends first; each on the way is
/// named in `compared`. Or the reason why there is no choice.
Candidate chooseMode(const PlannerInputs &inputs, const StepPlan &plan,
                     Situation &situation, std::string &compared) {
  compared = onlyFetch(inputs, plan);
  if (!compared.empty())
    return tryMode(inputs, plan, ExpertMode::Fetch, situation);
  if (inputs.mode != ExpertMode::Auto)
    return tryMode(inputs, plan, inputs.mode, situation);
  Candidate best;
  for (ExpertMode mode :
       {ExpertMode::Fetch, ExpertMode::Split, ExpertMode::Host}) {
    Candidate one = tryMode(inputs, plan, mode, situation);
    compared += format("%s%s %.2f ms", compared.empty() ? "" : ", ", name(mode),
                       one.cost.totalUs / 1e3);
    // Another way must be worth its second engine.
    if (mode == ExpertMode::Fetch ||
        one.cost.totalUs < 0.98 * best.cost.totalUs)
      best = std::move(one);
  }
  return best;
}

/// The parts of the mean layer. Those outside brackets follow each other and
/// add up to its time.
std::string layerText(const StepPlan &plan, const LayerCost &sum,
                      double layers) {
  const std::string before = format("%.1f us: attention and gate %.1f",
                                    sum.total / layers, sum.attention / layers);
  const std::string after =
      format(", %.1f after them", std::max(0.0, sum.tail) / layers);
  const double together = sum.together / layers;
  if (plan.resident)
    return before + format(", %.1f for GPU experts", together) + after;
  const std::string moved =
      format(", round trip %.1f, %.1f", sum.roundTrip / layers, together);
  if (plan.schedule == ScheduleKind::Serial)
    return before + moved +
           format(" for bus (%.1f) or disk (%.1f) and then GPU experts (%.1f)",
                  sum.bus / layers, sum.disk / layers, sum.gpu / layers) +
           after;
  return before + moved +
         format(" until the last is done of bus (%.1f), disk (%.1f), host "
                "(%.1f) and GPU experts (%.1f) at once",
                sum.bus / layers, sum.disk / layers, sum.host / layers,
                sum.gpu / layers) +
         after;
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
  lines.push_back(line("  a layer", layerText(plan, cost.sum, layers)));
  lines.push_back(line("  head", format("%.1f us", cost.head)));
}

} // namespace

double ReplayedHits::misses() const {
  double sum = 0;
  for (const LayerMisses &one : layers)
    sum += one.misses * one.chance;
  return sum;
}

double ReplayedHits::onDisk() const {
  double sum = 0;
  for (const LayerMisses &one : layers)
    sum += one.onDisk * one.chance;
  return sum > 0 ? sum / misses() : 0;
}

double ReplayedHits::weight() const {
  return layers.empty() ? 0
                        : std::clamp(demandsPerSlot / kEnoughDemands, 0.0, 1.0);
}

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
  Situation situation;
  situation.hostExperts = room.hostExperts;
  situation.loads = expertLoads(inputs.model, plan, inputs.routing);
  plan.waveBytes =
      plan.schedule == ScheduleKind::Serial ? 0 : chooseWaveBytes(inputs);

  std::string compared;
  Candidate chosen = chooseMode(inputs, plan, situation, compared);
  report.plan = chosen.plan;
  report.cost = chosen.cost;
  ExpertDecisions &decisions = report.decisions;
  decisions.mode = chosen.plan.mode;
  decisions.hostShare = chosen.plan.hostShare;
  decisions.prefetchLimit = chosen.plan.prefetchLimit;
  decisions.waveBytes = chosen.plan.waveBytes;
  decisions.predictedStepMs = chosen.cost.totalUs / 1e3;
  decisions.missed = std::move(chosen.missed);
  if (room.hostExperts < experts && plan.schedule == ScheduleKind::Planned)
    decisions.diskCost =
        diskMissCost(inputs.model.layers.front(), *inputs.hardware);

  std::vector<std::string> &lines = report.lines;
  lines.push_back(line("kept at first",
                       inputs.routing
                           ? "the likeliest of all layers, by recorded routing"
                           : "the same number of each layer: no --routing"));
  if (decisions.diskCost > 1)
    lines.back() += format(
        "; on disk each counts %.1f times, so much longer takes its miss",
        decisions.diskCost);
  if (room.hostExperts < experts)
    lines.push_back(
        line("in host memory",
             room.hostExperts == 0 ? "none: all are on disk"
             : decisions.missed.empty()
                 ? "the likeliest, as far as that is known"
                 : "those that the recorded tokens miss most: the others are "
                   "on disk"));
  lines.push_back(line("policy", decisions.policy + chosen.hits));
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
