//===- planner_batches.cpp - Chooses n, the batches of a step -------------===//

#include "compiler/analysis/planner.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace sluice {
namespace {

void addLines(std::vector<std::string> &lines, const std::string &text) {
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
}

struct Try {
  int64_t batch;
  double tokensPerSecond;
  KlotskiCheck check;
};

} // namespace

KlotskiCheck klotskiOf(const PlannerInputs &inputs,
                       const PlannerReport &report) {
  const LayerShape &layer = inputs.model.layers.front();
  const Hardware &hardware = *inputs.hardware;
  const StepPlan &plan = report.plan;
  const LayerCost &sum = report.cost.sum;
  const auto layers = static_cast<double>(inputs.model.layers.size());
  const auto rows = static_cast<double>(plan.batch);
  double active = 0, hits = 0;
  for (const ExpertLoad &load :
       expertLoads(inputs.model, plan, inputs.routing)) {
    active += load.active / layers;
    hits += load.hits / layers;
  }
  // The attentions of n batches are one launch each here: tA and tG are a
  // batch's share of them.
  double gate = 0;
  for (const OpShape &op : layer.before)
    if (op.gate)
      gate +=
          opUs(op, rows, static_cast<double>(plan.context),
               plan.graphs && plan.schedule == ScheduleKind::Planned, hardware);
  const double perExpert =
      active > 0
          ? std::max(1.0, rows * static_cast<double>(layer.topK) / active)
          : 1.0;
  KlotskiLatencies latencies;
  latencies.attention = (sum.attention / layers - gate) / rows / 1e3;
  latencies.gate = gate / rows / 1e3;
  latencies.expert = expertGpuUs(layer, perExpert, hardware) / 1e3;
  latencies.hotExpert = hits * latencies.expert;
  if (sum.misses > 0)
    latencies.expertIo =
        std::max({sum.bus + sum.hidden, sum.disk, sum.host}) / sum.misses / 1e3;
  const double misses = sum.misses / layers;
  KlotskiDemand demand;
  demand.hot = std::min(static_cast<double>(layer.topK), misses);
  demand.cold = misses - demand.hot;
  return checkKlotski(latencies, demand, plan.batch);
}

int64_t mostThatFits(const RoomOf &room, int64_t most) {
  int64_t fits = 0;
  for (int64_t above = most + 1; fits + 1 < above;) {
    int64_t middle = fits + (above - fits) / 2;
    (room(middle) ? fits : above) = middle;
  }
  return fits;
}

std::optional<BatchChoice> chooseBatches(const PlannerInputs &inputs,
                                         const RoomOf &room,
                                         const BatchLimit &limit) {
  const int64_t fits = mostThatFits(room, limit.batches);
  if (fits == 0 || inputs.model.layers.empty())
    return std::nullopt;
  const bool serial = inputs.schedule == ScheduleKind::Serial;
  std::vector<Try> tries;
  auto at = [&](int64_t n) {
    const PlannerReport report = decide(inputs, n, *room(n));
    tries.push_back(
        {n, report.cost.tokensPerSecond, klotskiOf(inputs, report)});
    return tries.back().check;
  };
  std::optional<KlotskiCheck> smallest;
  if (serial)
    std::ranges::for_each(batchesToTry(fits), at);
  else
    smallest = smallestBatches(at, fits);
  BatchChoice choice;
  const bool limited = fits == limit.batches;
  const std::string flag = limit.flag;
  char text[240];
  if (smallest) {
    choice.batch = smallest->batches;
    choice.satisfied = true;
    choice.check = *smallest;
    std::snprintf(text, sizeof text,
                  "%-24s %lld: the smallest that satisfies Klotski's "
                  "constraints; %lld would fit%s",
                  "batches n", static_cast<long long>(choice.batch),
                  static_cast<long long>(fits),
                  limited ? (", the most that " + flag + " allows").c_str()
                          : "");
  } else {
    const double best =
        std::ranges::max(tries, {}, &Try::tokensPerSecond).tokensPerSecond;
    const auto chosen = std::ranges::find_if(tries, [best](const Try &one) {
      return one.tokensPerSecond >= 0.97 * best;
    });
    choice.batch = chosen->batch;
    choice.check = chosen->check;
    std::snprintf(
        text, sizeof text,
        "%-24s %lld: %s; this brings %.1f of at most %.1f tokens a second",
        "batches n", static_cast<long long>(choice.batch),
        serial ? "the serial schedule hides nothing"
               : ("no n up to " + std::to_string(fits) +
                  (limited ? ", the most that " + flag + " allows,"
                           : ", the most that fits,") +
                  " hides the transfers")
                     .c_str(),
        chosen->tokensPerSecond, best);
  }
  choice.lines.emplace_back(text);
  addLines(choice.lines, describe(choice.check));
  return choice;
}

} // namespace sluice
