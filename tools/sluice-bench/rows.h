//===- rows.h - What the tables of sluice-bench say -------------*- C++ -*-===//
#pragma once

#include "tools/sluice-bench/measure.h"
#include "tools/sluice-bench/report.h"
#include "tools/sluice-bench/theory.h"
#include "tools/sluice-run/session.h"

#include <string>
#include <vector>

namespace sluice::tools {

/// model | size | params | backend | budget | n | test | t/s | hit % |
/// GB/token | bus GB/s | bus % | routing
std::vector<Column> benchColumns();

/// The row of one test. `traceName` says where its tokens came from.
/// `routing` which experts they used.
ReportRow benchRow(const Session &session, const Test &test,
                   const Measurement &measured, const std::string &traceName,
                   const std::string &routing);

/// The columns of --sweep n.
std::vector<Column> sweepColumns();

/// What a test of n sequences gave, beside the theory; `first` is the test of
/// the fewest sequences, with which all are compared.
ReportRow sweepRow(const MultiBatchModel &model, const Test &test,
                   const Measurement &measured, const Test &firstTest,
                   const Measurement &first, const std::string &backend,
                   const std::string &routing);

/// The columns of --theory.
std::vector<Column> theoryColumns();

ReportRow theoryRow(const MultiBatchModel &model, uint32_t batches);

} // namespace sluice::tools
