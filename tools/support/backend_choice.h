//===- backend_choice.h - --backend and what belongs to it ------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"
#include "runtime/core/hardware.h"

#include <memory>
#include <string>

namespace sluice::tools {

/// The flags of a tool that runs plans.
struct BackendChoice {
  std::string name;     ///< "cuda", "cpu", "sim"; empty: the best real one.
  std::string hardware; ///< --hardware: hw.json, for sim. Empty: built in.
  unsigned threads = 0; ///< Of the CPU backend; 0: one a core.
};

/// Opens the backend; where none was named, says in one line why it is not
/// cuda. InvalidArgument when --hardware was given for another backend than
/// sim.
Result<std::unique_ptr<Backend>> openBackend(const BackendChoice &choice);

/// The figures of --hardware: the file's, or for an empty path the built-in
/// ones. Errors name the file.
Result<Hardware> readHardware(const std::string &path);

} // namespace sluice::tools
