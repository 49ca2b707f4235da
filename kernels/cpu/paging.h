//===- paging.h - Where a token lies in a paged KV cache --------*- C++ -*-===//
#pragma once

#include "kernels/kernel.h"

namespace sluice::cpu {

/// The page table of one launch and the pools' geometry.
struct Paging {
  const int32_t *table; ///< [sequences, pagesPerSequence]
  int64_t pagesPerSequence;
  int64_t pageTokens;

  /// Index of a token's cell in a pool [pages * pageTokens, kv_heads,
  /// head_dim].
  int64_t cell(int64_t sequence, int64_t position) const {
    int64_t page = table[sequence * pagesPerSequence + position / pageTokens];
    return page * pageTokens + position % pageTokens;
  }
};

} // namespace sluice::cpu
