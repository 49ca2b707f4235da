//===- path.h - File names from files ---------------------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <string>
#include <string_view>

namespace sluice {

/// The path of `relative` below `directory`, for names that come from an index
/// or a plan. Refused by name: absolute paths, empty names and components,
/// "." and "..", control characters, and symbolic links whose target is not
/// below `directory`. One layout is let through, that of the Hugging Face
/// cache, where the files of <model>/snapshots/<revision>/ are links to
/// <model>/blobs/. `source` is named in the error as what said the path.
/// The file must exist.
Result<std::string> resolveInside(const std::string &directory,
                                  std::string_view relative,
                                  std::string_view source);

} // namespace sluice
