//===- kv_pages.cpp - Which pages of the KV cache a sequence owns ---------===//

#include "runtime/decode/kv_pages.h"

#include <string>

namespace sluice {

KvPages::KvPages(uint32_t sequences, uint32_t pagesPerSequence, uint32_t pages,
                 uint32_t pageTokens)
    : pagesPerSequence(pagesPerSequence), pageTokens(pageTokens),
      entries(size_t{sequences} * pagesPerSequence), owned(sequences) {
  unused.reserve(pages);
  for (uint32_t page = pages; page-- > 0;)
    unused.push_back(static_cast<int32_t>(page));
}

Status KvPages::reserve(uint32_t sequence, uint32_t tokens) {
  const uint32_t needed = (tokens + pageTokens - 1) / pageTokens;
  if (needed <= owned[sequence])
    return Status::ok();
  const uint32_t more = needed - owned[sequence];
  if (needed > pagesPerSequence || more > unused.size())
    return Status(ErrorCode::OutOfMemory,
                  "KV cache: " + std::to_string(tokens) + " tokens need " +
                      std::to_string(needed) + " pages; a sequence may own " +
                      std::to_string(pagesPerSequence) + " and " +
                      std::to_string(unused.size() + owned[sequence]) +
                      " are to be had");
  int32_t *row = &entries[size_t{sequence} * pagesPerSequence];
  while (owned[sequence] < needed) {
    row[owned[sequence]++] = unused.back();
    unused.pop_back();
  }
  return Status::ok();
}

void KvPages::release(uint32_t sequence) {
  int32_t *row = &entries[size_t{sequence} * pagesPerSequence];
  while (owned[sequence] > 0) {
    int32_t &entry = row[--owned[sequence]];
    unused.push_back(entry);
    entry = 0;
  }
}

} // namespace sluice
