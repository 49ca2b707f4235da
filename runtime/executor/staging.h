//===- staging.h - Host memory on the way to the device ---------*- C++ -*-===//
#pragma once

#include "runtime/backend/backend.h"

#include <algorithm>
#include <span>

namespace sluice {

/// A piece of (pinned) host memory through which load brings constants and
/// tables to the device. Pieces are handed out one after the other, each is
/// copied as soon as it is filled, and only when the memory is used up does the
/// host wait.
class Staging {
public:
  static Result<Staging> create(Backend &backend);
  Staging(Staging &&) = default;
  /// Nothing may be under way when the memory goes.
  ~Staging() {
    if (memory.data())
      (void)backend->synchronize();
  }

  /// The most bytes of one piece.
  static constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

  /// `bytes` (1 to kPieceBytes) to fill and then send.
  Result<std::span<std::byte>> take(uint64_t bytes);
  /// Copies a filled piece, or a part of it, to device memory, in the order of
  /// `stream`.
  Status send(StreamKind stream, std::span<const std::byte> piece,
              void *target) {
    return backend->copy(stream, target, MemoryKind::Device, piece.data(),
                         MemoryKind::Host, piece.size());
  }

private:
  Staging(Backend &backend, Allocation memory)
      : backend(&backend), memory(std::move(memory)) {}

  Backend *backend;
  Allocation memory;
  uint64_t used = 0;
};

} // namespace sluice
