//===- arrival.h - An expert that came from disk ----------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::experts {

/// An expert that has been read. `image` is its slot image in the ring, aligned
/// to at least 8 bytes, valid until ExpertHome::doneWith.
struct Arrival {
  uint32_t bank, expert;
  const std::byte *image;
};

} // namespace sluice::experts
