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
  double hitRate, gbPerToken, wastedGbPerToken, gbPerSecond;
};

Moved movedIn(const Session &session, const Measurement &measured) {
  const experts::Counters &experts = measured.experts;
  Moved moved{experts.hits,
              experts.fetchedBytes + experts.prefetchedBytes,
              experts.hitRate(),
              0,
              0,
              0};
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
  if (measured.rows > 0) {
    const auto rows = static_cast<double>(measured.rows);
    moved.gbPerToken = bytes / 1e9 / rows;
    moved.wastedGbPerToken =
        static_cast<double>(experts.wastedBytes) / 1e9 / rows;
  }
  if (ms > 0)
    moved.gbPerSecond = bytes / ms / 1e6;
  return moved;
}

/// A cell of a figure that may not be known.
std::string cell(const std::optional<double> &value, int decimals) {
  return value ? fixed(*value, decimals) : "-";
}

/// Tokens a second over all timed repetitions.
double tokensPerSecond(const Test &test, const Measurement &measured) {
  const double ms = std::accumulate(measured.repetitionMs.begin(),
                                    measured.repetitionMs.end(), 0.0);
  return double(test.sequences) * test.tokens *
         double(measured.repetitionMs.size()) * 1e3 / ms;
}

/// What a sweep says of a test.
struct SweptFigures {
  double speed;   ///< Tokens a second.
  double speedup; ///< Over the first test.
  double stepMs;
  double hitRate;
  double missing;               ///< Experts a layer of a step.
  std::optional<double> unique; ///< The same; nobody counts where none moves.
  double gbPerSecond;
  /// What the layer's experts take over the bus at the rate that copies of
  /// their size reached.
  std::optional<double> ioMs;

  SweptFigures(const MultiBatchModel &model, const Swept &swept) {
    const Measurement &measured = swept.measured;
    const experts::Counters &experts = measured.experts;
    const auto steps = static_cast<double>(measured.stepMs.size());
    const auto bytes =
        static_cast<double>(experts.fetchedBytes + experts.prefetchedBytes);
    auto aLayer = [&](uint64_t count) {
      return static_cast<double>(count) / steps / model.layers;
    };
    speed = tokensPerSecond(swept.test, measured);
    speedup = speed / tokensPerSecond(swept.firstTest, swept.first);
    stepMs = mean(measured.stepMs);
    hitRate = experts.demands == 0 ? 1 : experts.hitRate();
    missing = aLayer(experts.misses);
    if (experts.demands > 0)
      unique = aLayer(experts.demands);
    gbPerSecond = bytes / (stepMs * steps) / 1e6;
    if (measured.busRate > 0)
      ioMs = bytes / steps / model.layers / measured.busRate / 1e6;
  }
};

} // namespace

std::vector<Column> benchColumns(bool movesExperts, bool bubbles) {
  std::vector<Column> columns = {
      {"model", 20},       {"size", 10, true},   {"params", 9, true},
      {"backend", 7},      {"budget", 10, true}, {"n", 3, true},
      {"test", 12, true},  {"t/s", 18, true},    {"P50 ms", 8, true},
      {"P95 ms", 8, true}, {"hit %", 5, true},   {"GB/token", 8, true}};
  if (movesExperts)
    columns.insert(columns.end(), {{"wasted GB/token", 0, true},
                                   {"bus GB/s", 8, true},
                                   {"bus %", 5, true}});
  if (bubbles)
    columns.push_back({"bubbles %", 0, true});
  columns.push_back({"routing", 7});
  return columns;
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
  const double p50 = percentile(measured.stepMs, 0.50);
  const double p95 = percentile(measured.stepMs, 0.95);
  const double predicted =
      prompt ? 0 : comparablePrediction(plan, 1, test.sequences);

  ReportRow row;
  row.cells = {model.name()->str(),
               formatBytes(weightBytes(plan)),
               formatCount(model.parameters()),
               backend,
               limit ? formatBytes(*limit) : "none",
               std::to_string(test.sequences),
               test.name(),
               fixed(speed, 2) + " ± " + fixed(spread, 2),
               fixed(p50, 3),
               fixed(p95, 3),
               fixed(100 * moved.hitRate, 1),
               fixed(moved.gbPerToken, 4)};
  if (session.executor->movesExperts())
    row.cells.insert(row.cells.end(),
                     {fixed(moved.wastedGbPerToken, 4),
                      fixed(moved.gbPerSecond, 2),
                      measured.busRate > 0
                          ? fixed(100 * moved.gbPerSecond / measured.busRate, 1)
                          : "-"});
  if (measured.bubbleShare)
    row.cells.push_back(fixed(100 * *measured.bubbleShare, 1));
  row.cells.push_back(routing);
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
      {"step_ms_p50", p50},
      {"step_ms_p95", p95},
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
      {"predicted_step_ms", orNull(known(predicted))},
      {"routing", routing},
  };
  return row;
}

std::vector<Column> theoryColumns(bool withRun) {
  std::vector<Column> columns = {{"n", 4, true},
                                 {"unique experts", 0, true},
                                 {"I/O ms/layer", 0, true},
                                 {"attn ms/layer", 0, true},
                                 {"tok/s", 8, true},
                                 {"speed-up", 0, true}};
  if (withRun)
    columns.insert(columns.end(), {{"backend", 7},
                                   {"unique, run", 0, true},
                                   {"missing, run", 0, true},
                                   {"I/O ms, run", 0, true},
                                   {"tok/s, run", 0, true},
                                   {"speed-up, run", 0, true},
                                   {"routing", 7}});
  return columns;
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

ReportRow sweepRow(const MultiBatchModel &model, const Swept &swept) {
  const Measurement &measured = swept.measured;
  const MultiBatchRow line = multiBatch(model, swept.test.sequences);
  const MultiBatchRow base = multiBatch(model, swept.firstTest.sequences);
  const double theory = line.tokensPerSecond / base.tokensPerSecond;
  const SweptFigures found(model, swept);
  ReportRow row;
  row.cells = {std::to_string(swept.test.sequences),
               fixed(line.uniqueExperts, 2),
               fixed(theory, 2),
               swept.backend,
               fixed(found.speed, 2),
               fixed(found.speedup, 2),
               fixed(found.stepMs, 3),
               fixed(100 * found.hitRate, 1),
               fixed(found.missing, 2),
               fixed(found.gbPerSecond, 2),
               measured.busRate > 0
                   ? fixed(100 * found.gbPerSecond / measured.busRate, 1)
                   : "-",
               swept.routing};
  row.record = {
      {"n", swept.test.sequences},
      {"unique_experts_theory", line.uniqueExperts},
      {"speedup_theory", theory},
      {"backend", swept.backend},
      {"avg_ts", found.speed},
      {"speedup", found.speedup},
      {"step_ms_mean", found.stepMs},
      {"expert_hit_rate", found.hitRate},
      {"unique_experts_a_layer", orNull(found.unique)},
      {"missing_experts_a_layer", found.missing},
      {"bus_gb_s", found.gbPerSecond},
      {"bus_gb_s_ceiling", orNull(known(measured.busRate))},
      {"bus_busy_share", orNull(measured.busBusy)},
      {"bubble_share", orNull(measured.bubbleShare)},
      {"bus_gb_s_busy", orNull(measured.busyBusRate)},
      {"host_gb_s_busy", orNull(measured.busyHostRate)},
      {"routing", swept.routing},
  };
  return row;
}

void addRun(ReportRow &row, const MultiBatchModel &model, const Swept *swept) {
  std::optional<double> unique, missing, ioMs, speed, speedup, stepMs;
  std::optional<std::string> backend, routing;
  if (swept) {
    const SweptFigures found(model, *swept);
    unique = found.unique;
    missing = found.missing;
    ioMs = found.ioMs;
    speed = found.speed;
    speedup = found.speedup;
    stepMs = found.stepMs;
    backend = swept->backend;
    routing = swept->routing;
  }
  row.cells.insert(row.cells.end(),
                   {backend.value_or("-"), cell(unique, 2), cell(missing, 2),
                    cell(ioMs, 3), cell(speed, 2), cell(speedup, 2),
                    routing.value_or("-")});
  row.record["backend"] = orNull(backend);
  row.record["run_unique_experts"] = orNull(unique);
  row.record["run_missing_experts"] = orNull(missing);
  row.record["run_io_ms"] = orNull(ioMs);
  row.record["run_step_ms"] = orNull(stepMs);
  row.record["run_tok_s"] = orNull(speed);
  row.record["run_speedup"] = orNull(speedup);
  row.record["routing"] = orNull(routing);
}

} // namespace sluice::tools
