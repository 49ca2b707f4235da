//===- kv_pages_test.cpp - Are pages handed out and given back? -----------===//

#include "runtime/decode/kv_pages.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

TEST(KvPages, GivesAPageWhenAPositionCrossesIntoIt) {
  KvPages pages(2, 4, 6, 16);
  ASSERT_TRUE(pages.reserve(0, 1).isOk());
  EXPECT_EQ(pages.ownedPages(0), 1u);
  ASSERT_TRUE(pages.reserve(0, 16).isOk());
  EXPECT_EQ(pages.ownedPages(0), 1u);
  ASSERT_TRUE(pages.reserve(0, 17).isOk());
  EXPECT_EQ(pages.ownedPages(0), 2u);
  EXPECT_EQ(pages.freePages(), 4u);
}

TEST(KvPages, NoPageHasTwoOwners) {
  KvPages pages(3, 4, 12, 16);
  std::set<int32_t> seen;
  for (uint32_t sequence = 0; sequence < 3; ++sequence)
    ASSERT_TRUE(pages.reserve(sequence, 64).isOk());
  for (int32_t page : pages.table())
    EXPECT_TRUE(seen.insert(page).second) << page;
  EXPECT_EQ(pages.freePages(), 0u);
}

TEST(KvPages, ReleasedPagesServeOthers) {
  KvPages pages(2, 4, 4, 16);
  ASSERT_TRUE(pages.reserve(0, 64).isOk());
  EXPECT_FALSE(pages.reserve(1, 1).isOk());
  pages.release(0);
  EXPECT_EQ(pages.ownedPages(0), 0u);
  EXPECT_TRUE(pages.reserve(1, 64).isOk());
}

TEST(KvPages, AFailedReserveChangesNothing) {
  KvPages pages(2, 8, 4, 16);
  ASSERT_TRUE(pages.reserve(0, 32).isOk());
  Status status = pages.reserve(0, 80);
  EXPECT_EQ(status.code(), ErrorCode::OutOfMemory);
  EXPECT_EQ(status.message(),
            "KV cache: 80 tokens need 5 pages; a sequence may "
            "own 8 and 4 are to be had");
  EXPECT_EQ(pages.ownedPages(0), 2u);
  EXPECT_EQ(pages.freePages(), 2u);
}

TEST(KvPages, EntriesBeyondASequencesPagesAreZero) {
  KvPages pages(1, 3, 3, 16);
  ASSERT_TRUE(pages.reserve(0, 48).isOk());
  pages.release(0);
  for (int32_t page : pages.table())
    EXPECT_EQ(page, 0);
}

} // namespace
} // namespace sluice
