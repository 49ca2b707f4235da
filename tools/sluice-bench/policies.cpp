//===- policies.cpp - Residency policies on recorded routing --------------===//

#include "tools/sluice-bench/policies.h"

#include "runtime/experts/replay.h"
#include "runtime/experts/routing_file.h"

#include <algorithm>
#include <cstdio>

namespace sluice::tools {
namespace {

/// Fifths of the experts that are resident.
constexpr uint32_t kFifths[] = {1, 2, 3};

std::string percent(double share, int decimals) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %%", decimals, 100 * share);
  return text;
}

/// The row of one n and pool.
Result<ReportRow> policyRow(const experts::RoutingTrace &trace,
                            const experts::UseTrace &uses, uint32_t rows,
                            uint32_t fifths) {
  const uint64_t experts = uint64_t{trace.banks} * trace.experts;
  const auto slots =
      static_cast<uint32_t>(std::max<uint64_t>(1, experts * fifths / 5));
  const double share = fifths / 5.0;
  ReportRow row;
  row.cells = {std::to_string(rows), percent(share, 1), std::to_string(slots)};
  row.record = {{"n", rows}, {"resident_share", share}, {"slots", slots}};
  auto add = [&](const std::string &name, double rate) {
    row.cells.push_back(percent(rate, 2));
    row.record[name + "_hit_rate"] = rate;
  };
  const std::vector<uint32_t> bankExperts(trace.banks, trace.experts);
  for (const char *name : experts::kPolicyNames) {
    SLUICE_ASSIGN_OR_RETURN(
        auto policy, experts::makePolicy(
                         name, {.bankExperts = bankExperts, .popularity = {}}));
    add(name, experts::replay(uses, slots, std::move(policy)).hitRate());
  }
  add("belady", uses.ids.empty()
                    ? 0
                    : static_cast<double>(experts::beladyHits(uses, slots)) /
                          static_cast<double>(uses.ids.size()));
  return row;
}

} // namespace

std::vector<Column> policyColumns() {
  std::vector<Column> columns = {
      {"n", 4, true}, {"resident", 0, true}, {"slots", 5, true}};
  for (const char *name : experts::kPolicyNames)
    columns.push_back({name, 8, true});
  columns.push_back({"Belady", 8, true});
  return columns;
}

Status comparePolicies(const std::string &path,
                       std::span<const uint32_t> rowsPerStep, Report &report) {
  auto trace = experts::readRoutingTrace(path, {});
  if (!trace)
    return Status(trace.status().code(),
                  "--policies expects a routing recording (safetensors, of "
                  "sluice-run --record-routing): " +
                      std::string(trace.status().message()));
  for (uint32_t rows : rowsPerStep)
    if (rows > trace->rows)
      return Status(ErrorCode::InvalidArgument,
                    "-b is " + std::to_string(rows) + ", expected 1 to " +
                        std::to_string(trace->rows) + ", the tokens of " +
                        path);
  for (uint32_t rows : rowsPerStep) {
    const experts::UseTrace uses = experts::groupUses(*trace, rows);
    for (uint32_t fifths : kFifths) {
      SLUICE_ASSIGN_OR_RETURN(const ReportRow row,
                              policyRow(*trace, uses, rows, fifths));
      report.row(row);
    }
  }
  return Status::ok();
}

} // namespace sluice::tools
