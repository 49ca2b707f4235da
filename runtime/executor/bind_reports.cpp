//===- bind_reports.cpp - What the driving thread waits for ---------------===//

#include "runtime/executor/bind_reports.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace sluice {
namespace {

/// The events that streams wait for.
std::unordered_set<uint32_t> awaitedByStreams(const std::vector<Step> &steps) {
  std::unordered_set<uint32_t> events;
  for (const Step &step : steps)
    if (const auto *wait = std::get_if<WaitStep>(&step))
      events.insert(wait->event);
  return events;
}

bool canBeReported(const CopyStep &copy, StreamKind stream) {
  return copy.stream == stream && !copy.recording &&
         copy.targetKind == MemoryKind::Host &&
         copy.sourceKind == MemoryKind::Device;
}

/// Whether the order of both copies makes no difference, however many rows
/// there are: a report has none.
bool areApart(const CopyStep &a, const CopyStep &b) {
  return a.targetEnd <= b.target || b.targetEnd <= a.target;
}

/// The report that stands for the last copies of `steps` and the record.
std::optional<ReportStep> reportOf(const std::vector<Step> &steps,
                                   const RecordStep &record) {
  ReportStep report{record.stream, record.event, 0, {}};
  size_t first = steps.size();
  while (first > 0 && steps.size() - first < ReportStep::kMaxCopies) {
    const auto *copy = std::get_if<CopyStep>(&steps[first - 1]);
    if (!copy || !canBeReported(*copy, record.stream) ||
        std::any_of(steps.begin() + static_cast<ptrdiff_t>(first), steps.end(),
                    [&](const Step &later) {
                      return !areApart(*copy, *std::get_if<CopyStep>(&later));
                    }))
      break;
    --first;
  }
  for (size_t i = first; i < steps.size(); ++i)
    report.copies[report.count++] = *std::get_if<CopyStep>(&steps[i]);
  if (report.count == 0)
    return std::nullopt;
  return report;
}

} // namespace

void bindReports(std::vector<Step> &steps) {
  const std::unordered_set<uint32_t> awaited = awaitedByStreams(steps);
  std::vector<Step> bound;
  bound.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto *record =
        i + 1 < steps.size() ? std::get_if<RecordStep>(&steps[i + 1]) : nullptr;
    if (record && std::holds_alternative<GraphEndStep>(steps[i]) &&
        !awaited.contains(record->event))
      if (const std::optional<ReportStep> report = reportOf(bound, *record)) {
        bound.resize(bound.size() - report->count, GraphEndStep());
        bound.emplace_back(*report);
        bound.push_back(steps[i]);
        ++i; // the record
        continue;
      }
    bound.push_back(steps[i]);
  }
  steps = std::move(bound);
}

} // namespace sluice
