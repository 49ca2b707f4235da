//===- options.h - The command line of sluice-run ---------------*- C++ -*-===//
#pragma once

#include "runtime/decode/generate.h"

#include <optional>
#include <string>
#include <vector>

namespace sluice::tools {

struct RunOptions {
  std::string plan;
  std::string modelDir;   ///< Empty: the plan's own.
  std::string backend;    ///< "cpu", "cuda", "sim" or empty: the best there is.
  std::string hardware;   ///< hw.json of sim; empty: the built-in figures.
  std::string routing;    ///< Replaces the router, see openRouting.
  std::string policy;     ///< Of residency; empty: the plan's.
  unsigned threads = 0;   ///< Of the CPU backend; 0: one a core.
  bool synthetic = false; ///< Weights are made up, no checkpoint is read.

  // Exactly one of these three.
  std::vector<std::string> prompts;
  bool chat = false;
  std::string promptIdsFile;

  std::string system;   ///< The system message of --chat.
  bool thinking = true; ///< Of Qwen3's hybrid models, in --chat.
  GenerateOptions generate;

  // Files to write; empty: not wanted.
  std::string idsOut, logitsOut, metrics, recordRouting, trace;
  bool stepLogits = false; ///< logitsOut also holds every decode step's.
  bool quiet = false;
};

/// Parses argv. Nothing when the program should end at once with `exitCode`
/// (help was printed, or the usage was bad and said so).
std::optional<RunOptions> parseOptions(int argc, char **argv, int &exitCode);

} // namespace sluice::tools
