//===- rows.h - What the tables of sluice-bench say -------------*- C++ -*-===//
#pragma once

#include "tools/sluice-bench/measure.h"
#include "tools/sluice-bench/report.h"
#include "tools/sluice-bench/theory.h"
#include "tools/sluice-run/session.h"

#include <string>
#include <vector>

namespace sluice::tools {

/// model | size | params | backend | budget | n | test | t/s
std::vector<Column> benchColumns();

/// The row of one test. `traceName` says where its tokens came from.
ReportRow benchRow(const Session &session, const Test &test,
                   const Measurement &measured, const std::string &traceName);

/// The columns of --theory.
std::vector<Column> theoryColumns();

ReportRow theoryRow(const MultiBatchModel &model, uint32_t batches);

} // namespace sluice::tools
