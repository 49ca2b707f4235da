//===- fingerprint.cpp - Which weights a plan was made for ----------------===//

#include "runtime/plan/fingerprint.h"

#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice::plan {

uint64_t fingerprint(std::span<const FileFacts> files) {
  std::string text;
  auto append = [&](uint64_t value) {
    for (int byte = 0; byte < 8; ++byte)
      text.push_back(static_cast<char>(value >> (8 * byte)));
  };
  for (const FileFacts &file : files) {
    append(file.path.size());
    text.append(file.path);
    append(file.bytes);
    append(file.headerHash);
  }
  return XXH3_64bits(text.data(), text.size());
}

} // namespace sluice::plan
