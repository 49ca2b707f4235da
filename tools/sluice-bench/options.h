//===- options.h - The command line of sluice-bench -------------*- C++ -*-===//
#pragma once

#include "tools/sluice-bench/report.h"
#include "tools/sluice-bench/theory.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tools {

struct BenchOptions {
  std::string plan;       ///< Empty only with `theory` or `policiesFile`.
  std::string modelDir;   ///< Empty: the plan's own.
  std::string backend;    ///< "cpu", "cuda", "sim" or empty: the best there is.
  std::string hardware;   ///< hw.json of sim; empty: the built-in figures.
  std::string routing;    ///< Replaces the router, see openRouting.
  std::string policy;     ///< Of residency; empty: the plan's.
  unsigned threads = 0;   ///< Of the CPU backend; 0: one a core.
  bool synthetic = false; ///< Weights are made up, no checkpoint is read.
  bool bubbles = false;   ///< Traced repetitions too.
  std::string trace;      ///< Where the last test's trace goes; empty: nowhere.

  // What is swept. A length of 0 leaves its test out.
  std::vector<uint32_t> prompts{512}; ///< Tokens of pp tests; none of a sweep.
  std::vector<uint32_t> news{128};    ///< Tokens of tg tests.
  std::vector<uint32_t> depths{0};    ///< Tokens in the cache before a test.
  std::vector<uint32_t> batches{1};   ///< Sequences side by side.
  bool batchesGiven = false;          ///< Whether -b says so.
  uint32_t repetitions = 5;

  std::string promptIdsFile; ///< The token trace; empty: made by the model.
  std::string traceOut;      ///< Where to keep the trace; empty: nowhere.
  Format format = Format::Markdown;

  bool sweepN = false;      ///< Throughput against n, beside the theory's.
  std::string policiesFile; ///< Recorded routing to compare policies on.
  bool theory = false;      ///< Its table, beside a run where there is a plan.
  MultiBatchModel model;    ///< Of the theory.
};

/// Parses argv. Nothing when the program should end at once with `exitCode`
/// (help was printed, or the usage was bad and said so).
std::optional<BenchOptions> parseBenchOptions(int argc, char **argv,
                                              int &exitCode);

} // namespace sluice::tools
