//===- rows.cpp - What the tables of sluice-bench say ---------------------===//

#include "tools/sluice-bench/rows.h"

#include "tools/sluice-bench/statistics.h"
#include "tools/sluice-run/figures.h"
#include "tools/support/units.h"

#include <charconv>
#include <cstdio>
#include <numeric>
#include <optional>

namespace sluice::tools {
namespace {

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

/// "30.53 B".
std::string formatCount(uint64_t count) {
  const auto value = static_cast<double>(count);
  if (count >= 1000000000)
    return fixed(value / 1e9, 2) + " B";
  if (count >= 1000000)
    return fixed(value / 1e6, 2) + " M";
  return fixed(value / 1e3, 2) + " K";
}

/// Bytes of the checkpoint that the plan reads.
uint64_t weightBytes(const plan::fb::Plan &plan) {
  uint64_t bytes = 0;
  for (const auto *source : *plan.sources())
    for (const auto *range : *source->ranges())
      bytes += range->bytes();
  return bytes;
}

uint64_t deviceBytes(const plan::fb::Plan &plan) {
  uint64_t bytes = 0;
  for (const auto *arena : *plan.arenas())
    if (arena->kind() == plan::fb::MemoryKind::Device)
      bytes += arena->bytes();
  return bytes;
}

/// The --gpu-memory that the plan was compiled with, if there was one.
std::optional<uint64_t> budget(const plan::fb::Plan &plan) {
  constexpr std::string_view kFlag = "--gpu-memory ";
  const std::string_view options = plan.options()->string_view();
  const size_t at = options.find(kFlag);
  uint64_t bytes = 0;
  if (at == std::string_view::npos ||
      std::from_chars(options.data() + at + kFlag.size(),
                      options.data() + options.size(), bytes)
              .ec != std::errc())
    return std::nullopt;
  return bytes;
}

template <typename T>
nlohmann::ordered_json orNull(const std::optional<T> &value) {
  return value ? nlohmann::ordered_json(*value)
               : nlohmann::ordered_json(nullptr);
}

std::optional<double> known(double value) {
  return value > 0 ? std::optional(value) : std::nullopt;
}

/// What the timed repetitions of a test moved.
struct Moved {
  uint64_t hits, bytes;
  double hitRate, gbPerToken, gbPerSecond;
};

Moved movedIn(const Session &session, const Measurement &measured) {
  const experts::Counters &experts = measured.experts;
  Moved moved{experts.hits, experts.fetchedBytes + experts.prefetchedBytes,
              experts.hitRate(), 0, 0};
  if (!session.executor->movesExperts()) {
    // Every routed pair finds its expert on the device.
    GenerateMetrics metrics;
    metrics.routedRows = measured.rows;
    moved.hits = expertCounters(session, metrics).hits;
    moved.hitRate = 1;
  }
  const double ms = std::accumulate(measured.repetitionMs.begin(),
                                    measured.repetitionMs.end(), 0.0);
  const auto bytes = static_cast<double>(moved.bytes);
  if (measured.rows > 0)
    moved.gbPerToken = bytes / 1e9 / static_cast<double>(measured.rows);
  if (ms > 0)
    moved.gbPerSecond = bytes / ms / 1e6;
  return moved;
}

/// Tokens a second over all timed repetitions.
double tokensPerSecond(const Test &test, const Measurement &measured) {
  const double ms = std::accumulate(measured.repetitionMs.begin(),
                                    measured.repetitionMs.end(), 0.0);
  return double(test.sequences) * test.tokens *
         double(measured.repetitionMs.size()) * 1e3 / ms;
}

} // namespace

std::vector<Column> benchColumns() {
  return {{"model", 20},         {"size", 10, true},    {"params", 9, true},
          {"backend", 7},        {"budget", 10, true},  {"n", 3, true},
          {"test", 12, true},    {"t/s", 18, true},     {"hit %", 5, true},
          {"GB/token", 8, true}, {"bus GB/s", 8, true}, {"bus %", 5, true},
          {"routing", 7}};
}

ReportRow benchRow(const Session &session, const Test &test,
                   const Measurement &measured, const std::string &traceName,
                   const std::string &routing) {
  const plan::fb::Plan &plan = session.executor->plan().get();
  const plan::fb::Model &model = *plan.model();
  const std::string backend = session.backend->name();
  const std::optional<uint64_t> limit = budget(plan);
  const double tokens = double(test.sequences) * test.tokens;
  std::vector<double> speeds;
  speeds.reserve(measured.repetitionMs.size());
  for (double ms : measured.repetitionMs)
    speeds.push_back(tokens * 1e3 / ms);
  const double speed = mean(speeds), spread = deviation(speeds);

  const Moved moved = movedIn(session, measured);
  const bool prompt = test.entry == EntryPoint::Prefill;

  ReportRow row;
  row.cells = {model.name()->str(),
               formatBytes(weightBytes(plan)),
               formatCount(model.parameters()),
               backend,
               limit ? formatBytes(*limit) : "none",
               std::to_string(test.sequences),
               test.name(),
               fixed(speed, 2) + " ± " + fixed(spread, 2),
               fixed(100 * moved.hitRate, 1),
               fixed(moved.gbPerToken, 4),
               fixed(moved.gbPerSecond, 2),
               measured.busRate > 0
                   ? fixed(100 * moved.gbPerSecond / measured.busRate, 1)
                   : "-",
               routing};
  row.record = {
      {"model", model.name()->str()},
      {"plan", session.executor->plan().name()},
      {"plan_options", plan.options()->str()},
      {"size_bytes", weightBytes(plan)},
      {"params", model.parameters()},
      {"backend", backend},
      {"device", session.backend->describe()},
      {"budget_bytes", orNull(limit)},
      {"device_bytes", deviceBytes(plan)},
      {"trace", traceName},
      {"n", test.sequences},
      {"test", test.name()},
      {"n_prompt", prompt ? test.tokens : 0},
      {"n_gen", prompt ? 0 : test.tokens},
      {"n_depth", test.depth},
      {"repetitions", measured.repetitionMs.size()},
      {"avg_ts", speed},
      {"stddev_ts", spread},
      {"samples_ts", speeds},
      {"steps", measured.stepMs.size()},
      {"step_ms_mean", mean(measured.stepMs)},
      {"step_ms_p50", percentile(measured.stepMs, 0.50)},
      {"step_ms_p95", percentile(measured.stepMs, 0.95)},
      {"expert_hits", moved.hits},
      {"expert_misses", measured.experts.misses},
      {"expert_hit_rate", moved.hitRate},
      {"expert_bytes_moved", moved.bytes},
      {"expert_bytes_wasted", measured.experts.wastedBytes},
      {"expert_bytes_on_host", measured.experts.hostBytes},
      {"gb_per_token", moved.gbPerToken},
      {"bus_gb_s", moved.gbPerSecond},
      {"bus_gb_s_ceiling", orNull(known(measured.busRate))},
      {"bus_busy_share", orNull(measured.busBusy)},
      {"bubble_share", orNull(measured.bubbleShare)},
      {"bus_gb_s_busy", orNull(measured.busyBusRate)},
      {"host_gb_s_busy", orNull(measured.busyHostRate)},
      {"predicted_step_ms", orNull(known(plan.predicted_step_ms()))},
      {"routing", routing},
  };
  return row;
}

std::vector<Column> theoryColumns() {
  return {{"n", 4, true},
          {"unique experts", 0, true},
          {"I/O ms/layer", 0, true},
          {"attn ms/layer", 0, true},
          {"tok/s", 8, true},
          {"speed-up", 0, true}};
}

ReportRow theoryRow(const MultiBatchModel &model, uint32_t batches) {
  const MultiBatchRow line = multiBatch(model, batches);
  ReportRow row;
  row.cells = {std::to_string(batches),
               fixed(line.uniqueExperts, 2),
               fixed(line.ioMs, 3),
               fixed(line.attentionMs, 3),
               fixed(line.tokensPerSecond, 2),
               fixed(line.speedup, 2)};
  row.record = {
      {"n", batches},
      {"experts", model.experts},
      {"top_k", model.topK},
      {"layers", model.layers},
      {"expert_io_ms", model.expertIoMs},
      {"batch_attention_ms", model.attentionMs},
      {"unique_experts", line.uniqueExperts},
      {"io_ms", line.ioMs},
      {"attention_ms", line.attentionMs},
      {"layer_ms", line.layerMs},
      {"tok_s", line.tokensPerSecond},
      {"speedup", line.speedup},
  };
  return row;
}

std::vector<Column> sweepColumns() {
  return {{"n", 4, true},
          {"unique experts", 0, true},
          {"speed-up, theory", 0, true},
          {"backend", 7},
          {"t/s", 9, true},
          {"speed-up", 0, true},
          {"step ms", 9, true},
          {"hit %", 5, true},
          {"experts moved", 0, true},
          {"bus GB/s", 8, true},
          {"bus %", 5, true},
          {"routing", 7}};
}

ReportRow sweepRow(const MultiBatchModel &model, const Test &test,
                   const Measurement &measured, const Test &firstTest,
                   const Measurement &first, const std::string &backend,
                   const std::string &routing) {
  const MultiBatchRow line = multiBatch(model, test.sequences);
  const MultiBatchRow base = multiBatch(model, firstTest.sequences);
  const double speed = tokensPerSecond(test, measured);
  const double speedup = speed / tokensPerSecond(firstTest, first);
  const double theory = line.tokensPerSecond / base.tokensPerSecond;
  const double ms = mean(measured.stepMs);
  const auto bytes = static_cast<double>(measured.experts.fetchedBytes +
                                         measured.experts.prefetchedBytes);
  const double rate =
      bytes / (ms * static_cast<double>(measured.stepMs.size())) / 1e6;
  const double moved = measured.experts.demands == 0
                           ? 0
                           : static_cast<double>(measured.experts.misses) /
                                 static_cast<double>(measured.stepMs.size()) /
                                 model.layers;
  ReportRow row;
  row.cells = {std::to_string(test.sequences),
               fixed(line.uniqueExperts, 2),
               fixed(theory, 2),
               backend,
               fixed(speed, 2),
               fixed(speedup, 2),
               fixed(ms, 3),
               fixed(100 * measured.experts.hitRate(), 1),
               fixed(moved, 2),
               fixed(rate, 2),
               measured.busRate > 0 ? fixed(100 * rate / measured.busRate, 1)
                                    : "-",
               routing};
  row.record = {
      {"n", test.sequences},
      {"unique_experts_theory", line.uniqueExperts},
      {"speedup_theory", theory},
      {"backend", backend},
      {"avg_ts", speed},
      {"speedup", speedup},
      {"step_ms_mean", ms},
      {"expert_hit_rate", measured.experts.hitRate()},
      {"missing_experts_a_layer", moved},
      {"bus_gb_s", rate},
      {"bus_gb_s_ceiling", orNull(known(measured.busRate))},
      {"bus_busy_share", orNull(measured.busBusy)},
      {"bubble_share", orNull(measured.bubbleShare)},
      {"bus_gb_s_busy", orNull(measured.busyBusRate)},
      {"host_gb_s_busy", orNull(measured.busyHostRate)},
      {"routing", routing},
  };
  return row;
}

} // namespace sluice::tools
