//===- memory.h - Memory of the CPU backend ---------------------*- C++ -*-===//
//
// Aligned, zeroed blocks with optional guard bytes around them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/backend.h"

#include <vector>

namespace sluice::cpu {

class Memory {
public:
  /// `guardBytes` is a multiple of kMemoryAlignment.
  explicit Memory(uint64_t guardBytes) : guardBytes(guardBytes) {}

  /// Refuses more than the machine's memory instead of letting the kernel
  /// promise what it cannot give.
  Result<void *> allocate(uint64_t bytes);
  void release(void *data);
  Status checkGuards() const;

private:
  struct Block {
    void *base;      ///< What calloc gave.
    std::byte *data; ///< What the caller got.
    uint64_t bytes;
  };

  uint64_t guardBytes;
  uint64_t used = 0;
  std::vector<Block> blocks;
};

} // namespace sluice::cpu
