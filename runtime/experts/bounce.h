//===- bounce.h - The ring that experts pass from disk ----------*- C++ -*-===//
#pragma once

#include <cstdint>

namespace sluice::experts {

/// Direct reads begin and end at multiples of this, in the file and in memory.
inline constexpr uint64_t kDirectBlock = 4096;

/// Bytes of the bounce buffer that one expert in flight takes: its slot image
/// and room to shift it, so that the image lies as far from a block's start as
/// it does in the file and the disk can write it in place. A ring of n experts
/// in flight has n times as many; what is smaller still works, with a copy on
/// the host.
constexpr uint64_t bouncePlaceBytes(uint64_t slotBytes) {
  return (slotBytes + 2 * kDirectBlock - 1) / kDirectBlock * kDirectBlock;
}

} // namespace sluice::experts
