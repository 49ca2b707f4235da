//===- checked.h - Sizes that cannot wrap -----------------------*- C++ -*-===//
//
// Sizes and offsets that come from files are multiplied and added here and
// nowhere else: a product that wraps is how a short buffer is made.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

/// a + b, or nothing when it does not fit 64 bits.
inline std::optional<uint64_t> checkedAdd(uint64_t a, uint64_t b) {
  uint64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return std::nullopt;
  return sum;
}

/// a * b, or nothing when it does not fit 64 bits.
inline std::optional<uint64_t> checkedMul(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return std::nullopt;
  return product;
}

/// Whether [offset, offset + bytes) lies inside [0, size).
inline bool insideOf(uint64_t offset, uint64_t bytes, uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

/// `value` rounded up to a multiple of `alignment` (> 0), or nothing.
inline std::optional<uint64_t> checkedAlign(uint64_t value,
                                            uint64_t alignment) {
  auto sum = checkedAdd(value, alignment - 1);
  if (!sum)
    return std::nullopt;
  return *sum / alignment * alignment;
}

} // namespace sluice
