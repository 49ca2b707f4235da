//===- flags.h - The command line of sluice-compile -------------*- C++ -*-===//
#pragma once

#include "compiler/pipeline/options.h"
#include "runtime/core/status.h"

#include <string>

namespace sluice::tools {

struct CompileFlags {
  std::string modelDir;
  std::string output; ///< Empty: stdout, for IR.
  Stage stage = Stage::Flatbuffer;
  bool explain = false;
  bool autoBatch = false; ///< The planner chooses options.batch.
  CompileOptions options;
};

/// Parses the command line, MLIR's own flags included. Ends the process for
/// --help and --version; every failure is bad usage. The message is empty where
/// LLVM's parser has already written its one line (a flag without its value).
Result<CompileFlags> parseFlags(int argc, char **argv);

} // namespace sluice::tools
