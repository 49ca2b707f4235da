//===- rows.h - What the tables of sluice-bench say -------------*- C++ -*-===//
#pragma once

#include "tools/sluice-bench/measure.h"
#include "tools/sluice-bench/report.h"
#include "tools/sluice-bench/theory.h"
#include "tools/sluice-run/session.h"

#include <string>
#include <vector>

namespace sluice::tools {

/// model | size | params | backend | budget | n | test | t/s | P50 ms | P95 ms
/// | hit % | GB/token, where experts move also wasted GB/token | bus GB/s | bus
/// %, with `bubbles` bubbles %, and routing.
std::vector<Column> benchColumns(bool movesExperts, bool bubbles);

/// The row of one test, in the columns of a session that moves experts or not
/// and of a measurement that knows its bubbles or not. `traceName` says where
/// its tokens came from, `routing` which experts they used.
ReportRow benchRow(const Session &session, const Test &test,
                   const Measurement &measured, const std::string &traceName,
                   const std::string &routing);

/// A test of n sequences, and the one with which a sweep compares it.
struct Swept {
  const Test &test;
  const Measurement &measured;
  const Test &firstTest;
  const Measurement &first;
  std::string backend, routing;
};

/// The columns of --sweep n.
std::vector<Column> sweepColumns();

/// What a test gave, beside the theory.
ReportRow sweepRow(const MultiBatchModel &model, const Swept &swept);

/// The columns of --theory, and those of addRun behind them.
std::vector<Column> theoryColumns(bool withRun);

ReportRow theoryRow(const MultiBatchModel &model, uint32_t batches);

/// Puts beside a row of the theory what a test of as many sequences gave; null,
/// where the plan has no such test, leaves the places empty.
void addRun(ReportRow &row, const MultiBatchModel &model, const Swept *swept);

} // namespace sluice::tools
