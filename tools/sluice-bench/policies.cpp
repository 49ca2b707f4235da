//===- policies.cpp - Residency policies on recorded routing --------------===//

#include "tools/sluice-bench/policies.h"

#include "runtime/experts/replay.h"
#include "runtime/experts/routing_file.h"

#include <cstdio>

namespace sluice::tools {
namespace {

/// Shares of the experts that are resident.
constexpr double kResidencies[] = {0.2, 0.4, 0.6};

std::string percent(double share, int decimals) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %%", decimals, 100 * share);
  return text;
}

ReportRow rowOf(const experts::PolicyRates &rates) {
  ReportRow row;
  row.cells = {std::to_string(rates.rowsPerStep), percent(rates.residency, 1),
               std::to_string(rates.slots)};
  row.record = {{"n", rates.rowsPerStep},
                {"resident_share", rates.residency},
                {"slots", rates.slots}};
  auto add = [&](const std::string &name, double rate) {
    row.cells.push_back(percent(rate, 2));
    row.record[name + "_hit_rate"] = rate;
  };
  for (size_t i = 0; i < experts::kPolicyNames.size(); ++i)
    add(experts::kPolicyNames[i], rates.rates[i]);
  add("belady", rates.belady);
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

Status reportPolicies(const std::string &path,
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
  SLUICE_ASSIGN_OR_RETURN(
      const auto all,
      experts::comparePolicies(*trace, kResidencies, rowsPerStep));
  for (const experts::PolicyRates &rates : all)
    report.row(rowOf(rates));
  return Status::ok();
}

} // namespace sluice::tools
