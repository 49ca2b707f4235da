//===- planner_batches.cpp - Chooses n, the batches of a step -------------===//

#include "compiler/analysis/planner.h"

#include <algorithm>
#include <cstdio>

namespace sluice {
namespace {

StepPlan planOf(const PlannerInputs &inputs, int64_t batch,
                const ExpertRoom &room) {
  StepPlan plan;
  plan.batch = batch;
  plan.context = inputs.context;
  plan.slots = std::min(room.slots, inputs.model.experts());
  plan.resident = room.slots >= inputs.model.experts();
  plan.graphs = inputs.graphs;
  if (!plan.resident && inputs.evidence && inputs.evidence->hitRate)
    plan.hitRate = inputs.evidence->hitRate(batch, room.slots);
  return plan;
}

void addLines(std::vector<std::string> &lines, const std::string &text) {
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
}

/// Numbers worth a look when throughput decides: doublings, and halfway.
std::vector<int64_t> candidates(int64_t most) {
  std::vector<int64_t> all;
  for (int64_t n = 1; n <= most; n *= 2) {
    all.push_back(n);
    if (n >= 2 && n + n / 2 <= most)
      all.push_back(n + n / 2);
  }
  if (all.back() != most)
    all.push_back(most);
  return all;
}

} // namespace

KlotskiCheck klotskiAt(const PlannerInputs &inputs, int64_t batch,
                       const ExpertRoom &room) {
  const LayerShape &layer = inputs.model.layers.front();
  const Hardware &hardware = *inputs.hardware;
  const auto rows = static_cast<double>(batch);
  const StepPlan plan = planOf(inputs, batch, room);
  const ExpertLoad load =
      expertLoads(inputs.model, plan, inputs.routing).front();
  // The attentions of n batches are one launch each here: tA and tG are a
  // batch's share of them.
  double attention = 0, gate = 0;
  for (const OpShape &op : layer.before)
    (op.gate ? gate : attention) += opUs(
        op, rows, static_cast<double>(plan.context), plan.graphs, hardware);
  const double perExpert =
      load.active > 0
          ? std::max(1.0, rows * static_cast<double>(layer.topK) / load.active)
          : 1.0;
  KlotskiLatencies latencies;
  latencies.attention = attention / rows / 1e3;
  latencies.gate = gate / rows / 1e3;
  latencies.expert = expertGpuUs(layer, perExpert, hardware) / 1e3;
  latencies.hotExpert = load.hits * latencies.expert;
  latencies.expertIo =
      hardware.hostToDeviceUs(static_cast<double>(layer.expertBytes)) / 1e3;
  KlotskiDemand demand;
  demand.hot = std::min(static_cast<double>(layer.topK), load.misses());
  demand.cold = load.misses() - demand.hot;
  return checkKlotski(latencies, demand, batch);
}

std::optional<BatchChoice> chooseBatches(const PlannerInputs &inputs,
                                         const RoomOf &room, int64_t most) {
  // Room shrinks as batches grow: the largest n that fits.
  if (most < 1 || !room(1) || inputs.model.layers.empty())
    return std::nullopt;
  int64_t fits = 1;
  for (int64_t above = most + 1; fits + 1 < above;) {
    int64_t middle = fits + (above - fits) / 2;
    (room(middle) ? fits : above) = middle;
  }
  BatchChoice choice;
  char text[200];
  std::optional<KlotskiCheck> smallest = smallestBatches(
      [&](int64_t n) { return klotskiAt(inputs, n, *room(n)); }, fits);
  if (smallest) {
    choice.batch = smallest->batches;
    choice.satisfied = true;
    choice.check = *smallest;
    std::snprintf(text, sizeof text,
                  "%-24s %lld: the smallest that satisfies Klotski's "
                  "constraints; %lld would fit",
                  "batches n", static_cast<long long>(choice.batch),
                  static_cast<long long>(fits));
    choice.lines.emplace_back(text);
    addLines(choice.lines, describe(choice.check));
    return choice;
  }
  struct Try {
    int64_t batch;
    double tokensPerSecond;
  };
  std::vector<Try> tries;
  double best = 0;
  for (int64_t n : candidates(fits)) {
    StepCost cost = stepCost(inputs.model, planOf(inputs, n, *room(n)),
                             inputs.routing, *inputs.hardware);
    tries.push_back({n, cost.tokensPerSecond});
    best = std::max(best, cost.tokensPerSecond);
  }
  auto chosen = std::ranges::find_if(tries, [best](const Try &one) {
    return one.tokensPerSecond >= 0.97 * best;
  });
  choice.batch = chosen->batch;
  choice.check = klotskiAt(inputs, choice.batch, *room(choice.batch));
  std::snprintf(text, sizeof text,
                "%-24s %lld: no n up to %lld, the most that fits, hides the "
                "transfers; this brings %.1f of at most %.1f tokens a second",
                "batches n", static_cast<long long>(choice.batch),
                static_cast<long long>(fits), chosen->tokensPerSecond, best);
  choice.lines.emplace_back(text);
  addLines(choice.lines, describe(choice.check));
  return choice;
}

} // namespace sluice
