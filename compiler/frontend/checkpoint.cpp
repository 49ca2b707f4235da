//===- checkpoint.cpp - A Hugging Face checkpoint, unread -----------------===//
#include "compiler/frontend/checkpoint.h"

#include "runtime/io/file.h"
#include "runtime/io/path.h"

#include <algorithm>
#include <dirent.h>
#include <map>
#include <memory>
#include <unistd.h>
#include <utility>

namespace sluice::frontend {
namespace {

constexpr const char *kSingle = "model.safetensors";
constexpr const char *kIndex = "model.safetensors.index.json";
constexpr size_t kMaxShards = 4096;
/// Configurations are a few KiB, indices of big models a few MiB.
constexpr uint64_t kMaxConfigBytes = uint64_t(1) << 20;
constexpr uint64_t kMaxIndexBytes = uint64_t(32) << 20;

using Json = nlohmann::json;

bool exists(const std::string &path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<Json> readObject(const std::string &path, uint64_t maxBytes) {
  SLUICE_ASSIGN_OR_RETURN(const std::string text, readTextFile(path, maxBytes));
  JsonLimits limits;
  limits.maxBytes = maxBytes;
  SLUICE_ASSIGN_OR_RETURN(Json value, parseJson(text, path, limits));
  if (!value.is_object())
    return Status(ErrorCode::Corrupt, path + ": found " + describeJson(value) +
                                          ", expected an object");
  return value;
}

/// "model-<anything>-of-<anything>.safetensors": a shard by its name.
bool looksLikeShard(std::string_view name) {
  auto has = [&](std::string_view text, bool front) {
    return name.size() >= text.size() &&
           (front ? name.substr(0, text.size())
                  : name.substr(name.size() - text.size())) == text;
  };
  return has("model-", true) && has(".safetensors", false) &&
         name.find("-of-") != std::string_view::npos;
}

/// Refuses shards that lie in the directory without being in the index.
Status refuseExtraShards(const std::string &directory,
                         const std::string &indexPath,
                         const std::map<std::string, uint32_t> &shards) {
  std::unique_ptr<DIR, int (*)(DIR *)> folder(::opendir(directory.c_str()),
                                              &::closedir);
  if (!folder)
    return Status(ErrorCode::Io, directory + ": cannot list the directory");
  std::string extra;
  while (const dirent *entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    // The smallest name, so that the message does not depend on the disk.
    if (looksLikeShard(name) && !shards.count(name) &&
        (extra.empty() || name < extra))
      extra = name;
  }
  if (!extra.empty())
    return Status(ErrorCode::Corrupt,
                  indexPath + ": does not name the shard " + inQuotes(extra) +
                      " that lies beside it, expected every shard");
  return Status::ok();
}

/// A tensor of the index and the shard it is said to be in.
struct IndexEntry {
  const std::string *name;
  const std::string *shard;
};

/// Reads the header of the file `relative` and appends its tensors.
Status addFile(Checkpoint &checkpoint, const std::string &relative,
               const std::string &source) {
  SLUICE_ASSIGN_OR_RETURN(
      const std::string path,
      resolveInside(checkpoint.directory, relative, source));
  SLUICE_ASSIGN_OR_RETURN(const File file, File::open(path));
  SLUICE_ASSIGN_OR_RETURN(SafetensorsHeader header,
                          SafetensorsHeader::read(file));
  const auto index = static_cast<uint32_t>(checkpoint.files.size());
  checkpoint.files.push_back({relative, file.size(), header.hash()});
  for (SafetensorsTensor &tensor : header.takeTensors())
    checkpoint.tensors.push_back({std::move(tensor.name), tensor.dtype,
                                  std::move(tensor.shape), index, tensor.offset,
                                  tensor.bytes});
  return Status::ok();
}

/// Compares the tensors found in the shards with the index; both are sorted.
Status matchIndex(const Checkpoint &checkpoint, const std::string &indexPath,
                  const std::vector<IndexEntry> &entries) {
  auto said = entries.begin();
  for (const CheckpointTensor &tensor : checkpoint.tensors) {
    const std::string &shard = checkpoint.files[tensor.file].path;
    if (said != entries.end() && *said->name < tensor.name)
      break;
    if (said == entries.end() || *said->name != tensor.name)
      return Status(ErrorCode::Corrupt, indexPath + ": does not name tensor " +
                                            inQuotes(tensor.name) +
                                            " of shard " + inQuotes(shard) +
                                            ", expected every tensor");
    if (*said->shard != shard)
      return Status(ErrorCode::Corrupt, indexPath + ": says that tensor " +
                                            inQuotes(tensor.name) + " is in " +
                                            inQuotes(*said->shard) +
                                            ", found it in " + inQuotes(shard));
    ++said;
  }
  if (said != entries.end())
    return Status(ErrorCode::NotFound,
                  indexPath + ": tensor " + inQuotes(*said->name) +
                      " is missing from its shard " + inQuotes(*said->shard));
  return Status::ok();
}

Status sortTensors(Checkpoint &checkpoint) {
  auto &tensors = checkpoint.tensors;
  std::sort(tensors.begin(), tensors.end(), [](const auto &a, const auto &b) {
    return std::tie(a.name, a.file) < std::tie(b.name, b.file);
  });
  const auto twice = std::adjacent_find(
      tensors.begin(), tensors.end(),
      [](const auto &a, const auto &b) { return a.name == b.name; });
  if (twice != tensors.end())
    return Status(ErrorCode::Corrupt,
                  checkpoint.directory + ": tensor " + inQuotes(twice->name) +
                      " is in two shards, " +
                      inQuotes(checkpoint.files[twice->file].path) + " and " +
                      inQuotes(checkpoint.files[twice[1].file].path) +
                      ", expected one");
  return Status::ok();
}

Status openShards(Checkpoint &checkpoint, const std::string &indexPath) {
  SLUICE_ASSIGN_OR_RETURN(const Json index,
                          readObject(indexPath, kMaxIndexBytes));
  SLUICE_ASSIGN_OR_RETURN(const JsonObject root,
                          JsonObject::of(index, indexPath));
  SLUICE_ASSIGN_OR_RETURN(const JsonObject weightMap,
                          root.object("weight_map"));
  std::vector<IndexEntry> entries; // JSON objects come sorted by key.
  std::map<std::string, uint32_t> shards;
  const auto *members = weightMap.value().get_ptr<const Json::object_t *>();
  entries.reserve(members->size());
  for (const auto &[name, file] : *members) {
    const auto *text = file.get_ptr<const Json::string_t *>();
    if (!text)
      return Status(ErrorCode::Corrupt, indexPath + ": weight_map: tensor " +
                                            inQuotes(name) + ": found " +
                                            describeJson(file) +
                                            ", expected the name of a shard");
    entries.push_back({&name, text});
    shards.emplace(*text, 0);
    if (shards.size() > kMaxShards)
      return Status(ErrorCode::Corrupt, indexPath + ": names more than " +
                                            std::to_string(kMaxShards) +
                                            " shards");
  }
  if (entries.empty())
    return Status(ErrorCode::Corrupt,
                  indexPath + ": weight_map is empty, expected tensors");
  for (const auto &[shard, unused] : shards)
    SLUICE_RETURN_IF_ERROR(addFile(checkpoint, shard, indexPath));
  SLUICE_RETURN_IF_ERROR(
      refuseExtraShards(checkpoint.directory, indexPath, shards));
  SLUICE_RETURN_IF_ERROR(sortTensors(checkpoint));
  return matchIndex(checkpoint, indexPath, entries);
}

} // namespace

Result<Checkpoint> Checkpoint::open(const std::string &directory) {
  std::unique_ptr<char, decltype(&std::free)> real(
      ::realpath(directory.c_str(), nullptr), &std::free);
  if (!real)
    return Status(ErrorCode::NotFound,
                  directory + ": found no such directory, expected a model "
                              "directory with config.json");
  Checkpoint checkpoint;
  checkpoint.directory = real.get();
  const std::string prefix = checkpoint.directory + "/";

  SLUICE_ASSIGN_OR_RETURN(checkpoint.config,
                          readObject(prefix + "config.json", kMaxConfigBytes));
  const std::string generation = prefix + "generation_config.json";
  if (exists(generation)) {
    SLUICE_ASSIGN_OR_RETURN(checkpoint.generationConfig,
                            readObject(generation, kMaxConfigBytes));
  }

  const bool single = exists(prefix + kSingle);
  const bool sharded = exists(prefix + kIndex);
  if (single && sharded)
    return Status(ErrorCode::Corrupt, checkpoint.directory + ": found both " +
                                          kSingle + " and " + kIndex +
                                          ", expected one of them");
  if (!single && !sharded)
    return Status(ErrorCode::NotFound,
                  checkpoint.directory + ": found neither " + kSingle +
                      " nor " + kIndex + ", expected one of them");
  if (single) {
    SLUICE_RETURN_IF_ERROR(addFile(checkpoint, kSingle, checkpoint.directory));
    SLUICE_RETURN_IF_ERROR(sortTensors(checkpoint));
  } else {
    SLUICE_RETURN_IF_ERROR(openShards(checkpoint, prefix + kIndex));
  }
  checkpoint.fingerprint = sluice::fingerprint(checkpoint.files);
  return checkpoint;
}

const CheckpointTensor *Checkpoint::find(std::string_view name) const {
  auto at = std::lower_bound(tensors.begin(), tensors.end(), name,
                             [](const auto &tensor, std::string_view key) {
                               return tensor.name < key;
                             });
  return at != tensors.end() && at->name == name ? &*at : nullptr;
}

} // namespace sluice::frontend
