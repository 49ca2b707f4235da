//===- synthetic.h - Weights made up in memory ------------------*- C++ -*-===//
#pragma once

#include "runtime/io/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice {

/// What a made-up tensor looks like.
enum class SyntheticKind {
  Matrix, ///< Both signs, magnitudes from 1/64 to 1/32: as trained weights.
  Norm,   ///< From 1 to 1 + 1/16.
};

/// Norm when the tensor's name says so ("model.norm.weight"), else Matrix.
SyntheticKind syntheticKind(std::string_view tensor);

/// The key of the tensor that begins at `offset` of a plan's file.
constexpr uint64_t syntheticKey(uint32_t file, uint64_t offset) {
  return uint64_t(file) << 44 ^ offset;
}

/// Fills `target` with the bytes from `position` (a multiple of 64) of the
/// tensor that `key` names: a hash of key and position / 64 gives eight words,
/// whose bits become the signs and low mantissas of fixed exponents. So a byte
/// depends on nothing but its place, and no value is infinite or a NaN.
/// `dtype` is BF16, F16 or F32. At least 5 GB/s on one core.
void fillSynthetic(std::span<std::byte> target, uint64_t key, uint64_t position,
                   StorageType dtype, SyntheticKind kind);

} // namespace sluice
