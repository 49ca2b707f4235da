//===- checkpoint_files.cpp - The weights a plan was made for -------------===//

#include "runtime/executor/checkpoint_files.h"

#include "runtime/core/checked.h"
#include "runtime/core/hash.h"
#include "runtime/io/parallel.h"
#include "runtime/io/path.h"
#include "runtime/io/safetensors.h"

#include <optional>

namespace sluice {
namespace {

constexpr unsigned kThreads = 8;

Status notTheOne(const std::string &path, const char *what, uint64_t found,
                 uint64_t expected, const plan::Plan &plan) {
  return Status(ErrorCode::Corrupt,
                path + ": " + what + " " + std::to_string(found) +
                    ", expected " + std::to_string(expected) + ": " +
                    plan.name() + " was compiled from another checkpoint");
}

/// Hashes the length prefix and the JSON as they lie in the file.
Result<uint64_t> hashHeader(const File &file) {
  uint64_t length = 0;
  std::byte prefix[sizeof(length)];
  SLUICE_RETURN_IF_ERROR(file.read(0, prefix));
  for (size_t i = 0; i < sizeof(length); ++i)
    length |= uint64_t(prefix[i]) << (8 * i);
  if (length > SafetensorsHeader::kMaxHeaderBytes ||
      !insideOf(sizeof(length), length, file.size()))
    return Status(ErrorCode::Corrupt,
                  file.path() + ": header of " + std::to_string(length) +
                      " bytes, expected one inside the file's " +
                      std::to_string(file.size()));
  std::vector<std::byte> header(sizeof(length) + length);
  SLUICE_RETURN_IF_ERROR(file.read(0, header));
  return hash64(header.data(), header.size());
}

Result<File> openChecked(const plan::fb::File &expected,
                         const std::string &folder, const plan::Plan &plan) {
  SLUICE_ASSIGN_OR_RETURN(
      std::string path,
      resolveInside(folder, expected.path()->string_view(), plan.name()));
  SLUICE_ASSIGN_OR_RETURN(File file, File::open(path));
  if (file.size() != expected.bytes())
    return notTheOne(path, "size", file.size(), expected.bytes(), plan);
  SLUICE_ASSIGN_OR_RETURN(uint64_t hash, hashHeader(file));
  if (hash != expected.header_hash())
    return notTheOne(path, "header hash", hash, expected.header_hash(), plan);
  return file;
}

} // namespace

Result<std::vector<File>> openCheckpoint(const plan::Plan &plan,
                                         const std::string &modelDir) {
  std::string folder =
      modelDir.empty() ? plan.get().model_dir()->str() : modelDir;
  const auto &expected = *plan.get().files();
  std::vector<std::optional<File>> opened(expected.size());
  // Large models have a hundred files and more, and a header each to hash.
  SLUICE_RETURN_IF_ERROR(forEachParallel(
      opened.size(), kThreads, [&](size_t i, unsigned) -> Status {
        SLUICE_ASSIGN_OR_RETURN(
            opened[i], openChecked(*expected.Get(uint32_t(i)), folder, plan));
        return Status::ok();
      }));
  std::vector<File> files;
  files.reserve(opened.size());
  for (std::optional<File> &file : opened)
    files.push_back(std::move(*file));
  return files;
}

} // namespace sluice
