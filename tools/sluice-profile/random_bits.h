//===- random_bits.h - Numbers to compute with ------------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice::tools {

/// Fills memory so that it reads as numbers below 1 in bf16, f16 and f32: zeros
/// can run faster than real data.
inline void fillRandom(std::span<std::byte> bytes) {
  uint64_t state = 0x9e3779b97f4a7c15;
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    // Sign and mantissa of four 16-bit numbers with one small exponent.
    const uint64_t word = (state & 0x807f807f807f807f) | 0x3c003c003c003c00;
    std::memcpy(bytes.data() + at, &word, 8);
  }
}

} // namespace sluice::tools
