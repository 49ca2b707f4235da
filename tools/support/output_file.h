//===- output_file.h - Whether a result will have a place -------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <string>
#include <string_view>

namespace sluice::tools {

/// Fails where writeFile or NewFile could not put a file at `path`, the value
/// of `flag`: its folder is missing or takes no new files, or `path` is a
/// folder. To be called before a run whose result is written last. Leaves
/// nothing behind, and a file that is there as it is. An empty path stands for
/// a file that is not wanted. Errors name the flag and the path.
Status checkOutput(std::string_view flag, const std::string &path);

} // namespace sluice::tools
