//===- files.cpp - The checkpoint's files ---------------------------------===//

#include "runtime/io/fingerprint.h"
#include "runtime/plan/verify/context.h"

#include <set>

namespace sluice::plan {
namespace {

/// A plan must not reach outside the model's folder.
bool isInsideFolder(std::string_view path) {
  if (path.empty() || path.find('\0') != path.npos ||
      path.find('\\') != path.npos)
    return false;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    // An empty part: an absolute path, "a//b" or a trailing slash.
    if (part.empty() || part == "." || part == "..")
      return false;
    if (slash == path.npos)
      return true;
    path.remove_prefix(slash + 1);
  }
  return false;
}

} // namespace

Status verifyFiles(Context &context) {
  std::set<std::string_view> paths;
  std::vector<FileIdentity> identities;
  for (uint32_t i = 0; i < context.plan.files()->size(); ++i) {
    const fb::File &file = *context.plan.files()->Get(i);
    std::string where = "file " + std::to_string(i);
    std::string_view path = file.path()->string_view();
    if (!isInsideFolder(path))
      return context.fail(
          where, "found path '" + printable(*file.path()) +
                     "', expected a relative path without '.', '..' or "
                     "empty parts");
    if (!paths.insert(path).second)
      return context.fail(where, "path '" + printable(*file.path()) +
                                     "' is listed twice");
    identities.push_back({std::string(path), file.bytes(), file.header_hash()});
  }
  if (fingerprint(identities) != context.plan.fingerprint())
    return context.fail("fingerprint",
                        "found " + std::to_string(context.plan.fingerprint()) +
                            ", expected " +
                            std::to_string(fingerprint(identities)) +
                            " as the listed files give");
  std::string_view folder = context.plan.model_dir()->string_view();
  if (folder.empty() || folder.front() != '/' ||
      folder.find('\0') != folder.npos)
    return context.fail("model_dir", "found '" +
                                         printable(*context.plan.model_dir()) +
                                         "', expected an absolute path");
  return Status::ok();
}

} // namespace sluice::plan
