//===- policies.h - Residency policies on recorded routing ------*- C++ -*-===//
#pragma once

#include "tools/sluice-bench/report.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::tools {

/// n | resident | slots | a hit rate a policy | Belady's
std::vector<Column> policyColumns();

/// For each number of rows a step, and a fifth, two and three fifths of the
/// experts resident, the hit rate of every policy and of Belady's optimum on
/// the routing that `path` holds. InvalidArgument, before any row, for more
/// rows than it has tokens.
Status reportPolicies(const std::string &path,
                      std::span<const uint32_t> rowsPerStep, Report &report);

} // namespace sluice::tools
