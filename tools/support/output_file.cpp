//===- output_file.cpp - Whether a result will have a place ---------------===//

#include "tools/support/output_file.h"

#include "runtime/io/file.h"

#include <filesystem>

namespace sluice::tools {

Status checkOutput(std::string_view flag, const std::string &path) {
  if (path.empty())
    return Status::ok();
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return Status(ErrorCode::Io,
                  std::string(flag) + ": " + path +
                      " is a folder, expected a name for a file");
  // The first step of writing it, undone by the destructor, knows best.
  const auto file = NewFile::create(path);
  if (!file)
    return Status(file.status().code(),
                  std::string(flag) + ": " +
                      std::string(file.status().message()));
  return Status::ok();
}

} // namespace sluice::tools
