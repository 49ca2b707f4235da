//===- host_memory.h - Pinned memory, also very much of it ------*- C++ -*-===//
//
// A little CUDA allocates. More is mapped on huge pages, which CUDA's own
// allocation does not give and the CPU needs to read it at full rate. Several
// threads touch it and register it in pieces of 1 GiB: one call would use one
// core for minutes, and drivers refuse to register 512 GiB at once. CUDA
// refuses copies that cross two registrations, so whoever copies asks
// `together` first.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"

#include <vector>

namespace sluice::cuda {

class HostMemory {
public:
  static constexpr uint64_t kPieceBytes = uint64_t{1} << 30;
  /// From here on memory is mapped.
  static constexpr uint64_t kMappedBytes = uint64_t{64} << 20;

  /// Gives back what was not released. The device's context must still live.
  ~HostMemory();

  /// Zeroed memory, pinned; pageable, said in one line on stderr the first
  /// time, when the system refuses to pin. The current device is `device`.
  /// OutOfMemory when there is no such room. `progress` as setProgress.
  Result<void *> allocate(int device, uint64_t bytes,
                          const Backend::Progress &progress);
  void release(void *data);

  /// Whether kernels reach the memory at `at` by the same address.
  bool isReachable(const void *at) const;

  /// How many of `bytes` from `at` on one copy may move.
  uint64_t together(const void *at, uint64_t bytes) const {
    return piecedBlocks == 0 ? bytes : togetherInPieces(at, bytes);
  }

private:
  enum class Kind : uint8_t { Cuda, Pieces, Pageable };
  struct Block {
    std::byte *data;
    uint64_t bytes;
    Kind kind;
  };

  const Block *find(const void *at) const;
  uint64_t togetherInPieces(const void *at, uint64_t bytes) const;
  void *keep(void *data, uint64_t bytes, Kind kind);
  void free(const Block &block);
  void sayPageable(const Status &why);

  std::vector<Block> blocks;
  int piecedBlocks = 0;
  /// Whether the device reaches registered memory by the host's address; what
  /// CUDA allocates it always reaches so.
  bool sameAddress = false;
  bool saidPageable = false;
};

} // namespace sluice::cuda
