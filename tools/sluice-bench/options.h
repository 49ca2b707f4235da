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
  std::string plan;     ///< Empty only with `theory`.
  std::string modelDir; ///< Empty: the plan's own.
  std::string backend;  ///< "cpu", "cuda" or empty: the best there is.
  unsigned threads = 0; ///< Of the CPU backend; 0: one a core.

  // What is swept. A length of 0 leaves its test out.
  std::vector<uint32_t> prompts{512}; ///< Tokens of pp tests.
  std::vector<uint32_t> news{128};    ///< Tokens of tg tests.
  std::vector<uint32_t> depths{0};    ///< Tokens in the cache before a test.
  std::vector<uint32_t> batches{1};   ///< Sequences side by side.
  uint32_t repetitions = 5;

  std::string promptIdsFile; ///< The token trace; empty: made by the model.
  std::string traceOut;      ///< Where to keep the trace; empty: nowhere.
  Format format = Format::Markdown;

  bool theory = false;
  MultiBatchModel model; ///< Of the theory.
};

/// Parses argv. Nothing when the program should end at once with `exitCode`
/// (help was printed, or the usage was bad and said so).
std::optional<BenchOptions> parseBenchOptions(int argc, char **argv,
                                              int &exitCode);

} // namespace sluice::tools
