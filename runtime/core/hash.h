//===- hash.h - XXH3-64 -----------------------------------------*- C++ -*-===//
//
// The one hash of Sluice: fingerprints of weights, headers and plans. It finds
// files that were swapped or damaged; it is no defence against someone who
// forges a collision.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice {

/// XXH3-64 (seed 0) of `bytes` bytes at `data`.
uint64_t hash64(const void *data, size_t bytes);
inline uint64_t hash64(std::string_view text) {
  return hash64(text.data(), text.size());
}

/// XXH3-64 of several pieces, as if they lay side by side.
class Hash64 {
public:
  Hash64();
  ~Hash64();
  Hash64(const Hash64 &) = delete;
  Hash64 &operator=(const Hash64 &) = delete;

  void update(const void *data, size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  /// The eight bytes of `value`, least significant first.
  void update(uint64_t value);
  uint64_t digest() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace sluice
