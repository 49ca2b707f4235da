//===- hash.cpp - XXH3-64 -------------------------------------------------===//
//
// xxhash is compiled in as a header: no shared library at run time.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice {

struct Hash64::State {
  XXH3_state_t xxh;
};

uint64_t hash64(const void *data, size_t bytes) {
  return XXH3_64bits(data, bytes);
}

Hash64::Hash64() : state(std::make_unique<State>()) {
  XXH3_64bits_reset(&state->xxh);
}

Hash64::~Hash64() = default;

void Hash64::update(const void *data, size_t bytes) {
  if (bytes != 0)
    XXH3_64bits_update(&state->xxh, data, bytes);
}

void Hash64::update(uint64_t value) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<unsigned char>(value >> (8 * i));
  update(bytes, sizeof(bytes));
}

uint64_t Hash64::digest() const { return XXH3_64bits_digest(&state->xxh); }

} // namespace sluice
