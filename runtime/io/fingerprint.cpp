//===- fingerprint.cpp - Which weights a plan was made for ----------------===//
#include "runtime/io/fingerprint.h"

#include "runtime/core/hash.h"

namespace sluice {

uint64_t fingerprint(std::span<const FileIdentity> files) {
  Hash64 hash;
  hash.update(static_cast<uint64_t>(files.size()));
  for (const FileIdentity &file : files) {
    hash.update(static_cast<uint64_t>(file.path.size()));
    hash.update(std::string_view(file.path));
    hash.update(file.bytes);
    hash.update(file.headerHash);
  }
  return hash.digest();
}

} // namespace sluice
