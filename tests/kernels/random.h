//===- random.h - A small seeded generator for tests -------------*- C++
//-*-===//
//
// The same numbers on every machine and standard library, so that a failing
// seed fails everywhere.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace sluice::test {

/// SplitMix64.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15u + 1) {}

  uint64_t bits() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Between low and high, both included.
  int64_t between(int64_t low, int64_t high) {
    return low +
           static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }
  bool oneIn(int64_t n) { return between(1, n) == 1; }
  int64_t pick(std::initializer_list<int64_t> values) {
    return values.begin()[between(0, static_cast<int64_t>(values.size()) - 1)];
  }
  /// In [0, 1).
  float uniform() { return static_cast<float>(bits() >> 40) * 0x1p-24f; }
  /// About normal, mean 0 and deviation 1: a sum of uniforms, so that no libm
  /// decides its bits.
  float normal() {
    float sum = 0;
    for (int i = 0; i < 6; ++i)
      sum += uniform();
    return (sum - 3.0f) * 1.4142135f;
  }

private:
  uint64_t state;
};

} // namespace sluice::test
