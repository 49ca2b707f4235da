//===- synthetic.cpp - Weights made up in memory --------------------------===//

#include "runtime/io/synthetic.h"

#include <cstring>

namespace sluice {
namespace {

constexpr uint64_t kBlock = 64;

/// The last steps of MurmurHash3's 64-bit mixer.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
  return x ^ (x >> 33);
}

/// Bits that vary and bits that are fixed, the same for each element of a word.
struct Pattern {
  uint64_t vary, fixed;
};

constexpr uint64_t twice(uint32_t bits) { return uint64_t(bits) << 32 | bits; }
constexpr uint64_t fourTimes(uint16_t bits) {
  return twice(uint32_t(bits) << 16 | bits);
}

Pattern pattern(StorageType dtype, SyntheticKind kind) {
  const bool norm = kind == SyntheticKind::Norm;
  switch (dtype) {
  case StorageType::F16: // 5 bits of exponent, bias 15
    return norm ? Pattern{fourTimes(0x003f), fourTimes(0x3c00)}
                : Pattern{fourTimes(0x83ff), fourTimes(9 << 10)};
  case StorageType::F32: // 8 bits, bias 127
    return norm ? Pattern{twice(0x0007ffff), twice(0x3f800000)}
                : Pattern{twice(0x807fffff), twice(121u << 23)};
  default: // BF16: the upper half of F32
    return norm ? Pattern{fourTimes(0x0007), fourTimes(0x3f80)}
                : Pattern{fourTimes(0x807f), fourTimes(121 << 7)};
  }
}

void makeBlock(uint64_t (&words)[8], uint64_t seed, const Pattern &pattern) {
  for (uint64_t i = 0; i < 8; ++i) {
    uint64_t word = (seed + i) * 0x9e3779b97f4a7c15u;
    word ^= word >> 29;
    words[i] = (word & pattern.vary) | pattern.fixed;
  }
}

} // namespace

SyntheticKind syntheticKind(std::string_view tensor) {
  return tensor.find("norm") == tensor.npos ? SyntheticKind::Matrix
                                            : SyntheticKind::Norm;
}

void fillSynthetic(std::span<std::byte> target, uint64_t key, uint64_t position,
                   StorageType dtype, SyntheticKind kind) {
  const Pattern bits = pattern(dtype, kind);
  const uint64_t base = mix(key + 1);
  uint64_t block = position / kBlock;
  std::byte *at = target.data();
  uint64_t words[8];
  uint64_t left = target.size();
  for (; left >= kBlock; left -= kBlock, at += kBlock) {
    makeBlock(words, mix(base ^ block++), bits);
    std::memcpy(at, words, kBlock);
  }
  if (left > 0) {
    makeBlock(words, mix(base ^ block), bits);
    std::memcpy(at, words, left);
  }
}

} // namespace sluice
