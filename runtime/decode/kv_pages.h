//===- kv_pages.h - Which pages of the KV cache a sequence owns -*- C++ -*-===//
//
// The KV pools of all layers are cut into pages of a fixed number of tokens; a
// sequence owns a list of pages, the same in every layer. The table is the
// kernels' `page_table` operand.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

/// Hands out pages. Not thread-safe. Allocates on construction only.
class KvPages {
public:
  KvPages(uint32_t sequences, uint32_t pagesPerSequence, uint32_t pages,
          uint32_t pageTokens);

  /// Makes room for positions 0 .. tokens - 1 of `sequence`. On failure the
  /// sequence keeps what it had.
  Status reserve(uint32_t sequence, uint32_t tokens);

  /// Gives all pages of `sequence` back.
  void release(uint32_t sequence);

  uint32_t freePages() const { return static_cast<uint32_t>(unused.size()); }
  uint32_t ownedPages(uint32_t sequence) const { return owned[sequence]; }

  /// i32 [sequences, pages per sequence], row by row; entries beyond a
  /// sequence's pages are 0. Valid until the next call that is not const.
  std::span<const int32_t> table() const { return entries; }

private:
  uint32_t pagesPerSequence;
  uint32_t pageTokens;
  std::vector<int32_t> entries;
  std::vector<uint32_t> owned;
  std::vector<int32_t> unused; ///< A stack; capacity for every page.
};

} // namespace sluice
