//===- checkpoint_files.h - The weights a plan was made for -----*- C++ -*-===//
//
// Opens the files that a plan names and refuses those that are not the ones it
// was compiled from: offsets into another checkpoint would load noise.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/io/file.h"
#include "runtime/plan/plan.h"

#include <vector>

namespace sluice {

/// The plan's files in its order, each checked for size and header hash.
/// `modelDir` empty: the plan's own. Errors name the file, what was found and
/// what the plan expects.
Result<std::vector<File>> openCheckpoint(const plan::Plan &plan,
                                         const std::string &modelDir);

} // namespace sluice
