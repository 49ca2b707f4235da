//===- figures.cpp - What a run cost --------------------------------------===//

#include "tools/sluice-run/figures.h"

#include <cstdio>

namespace sluice::tools {

ExpertCounters expertCounters(const Session &session,
                              const GenerateMetrics &metrics) {
  ExpertCounters counters;
  if (session.executor->movesExperts()) {
    const experts::Counters from = session.executor->expertCounters();
    counters.hits = from.hits;
    counters.misses = from.misses;
    counters.bytesMoved = from.fetchedBytes + from.prefetchedBytes;
    counters.bytesWasted = from.wastedBytes;
    return counters;
  }
  const auto &plan = session.executor->plan().get();
  uint64_t expertLayers = 0;
  for (const plan::fb::Port *port : *plan.entries()->Get(0)->outputs())
    expertLayers += port->role() == plan::fb::Role::ExpertIds;
  counters.hits = metrics.routedRows * expertLayers * plan.model()->top_k();
  return counters;
}

double comparablePrediction(const plan::fb::Plan &plan, uint64_t steps,
                            uint64_t rows) {
  return steps > 0 && rows == steps * plan.model()->max_sequences()
             ? plan.predicted_step_ms()
             : 0;
}

RunFacts factsOf(const RunOptions &options, const Session &session,
                 const GenerateMetrics &metrics) {
  return {.backend = session.backend->name(),
          .routing = options.routing.empty() ? "model" : options.routing,
          .loadMs = session.loadMs,
          .predictedStepMs =
              comparablePrediction(session.executor->plan().get(),
                                   metrics.decodeSteps, metrics.decodeTokens)};
}

std::string figuresLine(const GenerateMetrics &metrics,
                        const ExpertCounters &experts, const RunFacts &facts) {
  const uint64_t requests = experts.hits + experts.misses;
  char line[256];
  std::snprintf(
      line, sizeof line,
      "%llu prompt tokens, %llu new; load %.0f ms, TTFT %.1f ms, decode %.1f "
      "tok/s; expert hit rate %.0f %%, %.3f GB moved per token",
      static_cast<unsigned long long>(metrics.promptTokens),
      static_cast<unsigned long long>(metrics.tokens), facts.loadMs,
      metrics.ttftMs,
      metrics.decodeMs > 0
          ? double(metrics.decodeTokens) * 1e3 / metrics.decodeMs
          : 0.0,
      requests ? 100.0 * double(experts.hits) / double(requests) : 100.0,
      metrics.tokens ? double(experts.bytesMoved) / 1e9 / double(metrics.tokens)
                     : 0.0);
  std::string text = line;
  if (experts.bubbleShare) {
    std::snprintf(line, sizeof line, ", bubbles %.1f %%",
                  100 * *experts.bubbleShare);
    text += line;
  }
  if (facts.predictedStepMs > 0) {
    std::snprintf(line, sizeof line, "; step %.2f ms, predicted %.2f ms",
                  metrics.decodeMs / double(metrics.decodeSteps),
                  facts.predictedStepMs);
    text += line;
  }
  return text;
}

} // namespace sluice::tools
