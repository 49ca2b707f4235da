//===- path.cpp - File names from files -----------------------------------===//
#include "runtime/io/path.h"

#include "runtime/core/json.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace sluice {
namespace {

/// `path` with every symbolic link resolved; empty when that fails (errno).
std::string realPath(const std::string &path) {
  std::unique_ptr<char, decltype(&std::free)> real(
      ::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : std::string();
}

std::string_view parentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view()
                                         : path.substr(0, slash);
}

bool below(std::string_view path, const std::string &directory) {
  return path.size() > directory.size() + 1 &&
         path.substr(0, directory.size()) == directory &&
         path[directory.size()] == '/';
}

/// Why `relative` is no plain relative path, or null.
const char *objection(std::string_view relative) {
  if (relative.empty())
    return "an empty name";
  if (relative.front() == '/')
    return "an absolute path";
  if (relative.size() > 1024)
    return "a name of more than 1024 bytes";
  if (std::any_of(relative.begin(), relative.end(), [](unsigned char c) {
        return c < 0x20 || c == 0x7F || c == '\\';
      }))
    return "a control character or backslash";
  size_t at = 0;
  while (at <= relative.size()) {
    const size_t end = std::min(relative.find('/', at), relative.size());
    const std::string_view part = relative.substr(at, end - at);
    if (part.empty())
      return "an empty path component";
    if (part == "." || part == "..")
      return "a '.' or '..' component";
    at = end + 1;
  }
  return nullptr;
}

} // namespace

Result<std::string> resolveInside(const std::string &directory,
                                  std::string_view relative,
                                  std::string_view source) {
  const std::string said = std::string(source) + ": ";
  if (const char *why = objection(relative))
    return Status(ErrorCode::Corrupt,
                  said + "found file name " + inQuotes(relative) + " (" + why +
                      "), expected a path inside the model directory");
  const std::string root = realPath(directory);
  if (root.empty())
    return Status(ErrorCode::NotFound,
                  directory + ": cannot open: " + std::strerror(errno));
  std::string path = root + "/" + std::string(relative);
  const std::string real = realPath(path);
  if (real.empty())
    return Status(ErrorCode::NotFound,
                  said + "names file " + inQuotes(relative) +
                      ", which cannot be opened: " + std::strerror(errno));
  if (below(real, root))
    return path;
  // The Hugging Face cache: <model>/snapshots/<revision>/x -> <model>/blobs/h
  const std::string_view snapshots = parentOf(root);
  if (snapshots.size() > 10 &&
      snapshots.substr(snapshots.size() - 10) == "/snapshots" &&
      below(real, std::string(parentOf(snapshots)) + "/blobs"))
    return path;
  return Status(ErrorCode::Corrupt,
                said + "file " + inQuotes(relative) +
                    " is a symbolic link to " + inQuotes(real) +
                    ", expected a file inside the model directory");
}

} // namespace sluice
