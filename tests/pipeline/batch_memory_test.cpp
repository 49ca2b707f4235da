//===- batch_memory_test.cpp - Memory of many n from that of few ----------===//
#include "compiler/analysis/batch_memory.h"
#include "compiler/pipeline/options.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

/// 1 GB, 6 MB a batch, 300 kB a row of a prefill step.
double bytesAt(int64_t batch, int64_t maxSeq, int64_t prefillRows) {
  return 1e9 + 6e6 * static_cast<double>(batch) +
         3e5 * static_cast<double>(std::min(prefillRows, maxSeq * batch));
}

/// What `memory` says of n beyond what it adds for safety.
double withoutMargin(const BatchMemory &memory, int64_t batch) {
  const double least = memory.at(1), bytes = memory.at(batch);
  return bytes <= least ? bytes : least + (bytes - least) * 64 / 65;
}

TEST(BatchMemory, RowsOfAPrefillStepAreNoGrowthOfEveryBatch) {
  for (int64_t maxSeq : {1, 2, 3, 16, 64, 128, 255, 256, 4096})
    for (int64_t rows : {16, 100, 512, 2048, 1000000}) {
      BatchMemory memory(maxSeq, rows);
      ASSERT_EQ(memory.prefillRows(), rows);
      for (int64_t batch : memory.trials()) {
        EXPECT_LE(batch, CompileOptions::kMaxBatch);
        EXPECT_LE(batch, std::min(rows, maxSeq * batch)) << "refused";
        memory.add(batch, bytesAt(batch, maxSeq, rows));
      }
      const int64_t most = std::min(rows, CompileOptions::kMaxBatch);
      for (int64_t batch = 1; batch <= most; ++batch)
        ASSERT_NEAR(withoutMargin(memory, batch), bytesAt(batch, maxSeq, rows),
                    10)
            << batch << " batches of " << maxSeq << ", " << rows << " rows";
    }
}

TEST(BatchMemory, TrialsHaveTheRowsThatTheyNeed) {
  const BatchMemory memory(4096, 4);
  ASSERT_EQ(memory.trials().size(), 2u);
  EXPECT_GE(memory.prefillRows(), memory.trials().back());
  // Two trials where the rows are there from the first on, else three.
  EXPECT_EQ(BatchMemory(512, 512).trials().size(), 2u);
  EXPECT_EQ(BatchMemory(511, 512).trials().size(), 3u);
  // All sequences together stay below what a plan can hold.
  const BatchMemory large(int64_t{1} << 20, int64_t{1} << 40);
  EXPECT_LE(large.trials().back(), 1024);
}

/// From 100 batches on another use of the workspace is the largest.
TEST(BatchMemory, WhatIsKnownIsNotGuessed) {
  auto bytes = [](int64_t batch) {
    return bytesAt(batch, 64, 512) +
           1e6 * static_cast<double>(std::max<int64_t>(0, batch - 100));
  };
  BatchMemory memory(64, 512);
  for (int64_t batch : memory.trials())
    memory.add(batch, bytes(batch));
  EXPECT_FALSE(memory.isKnown(300));
  EXPECT_NEAR(withoutMargin(memory, 300), bytes(300) - 2e8, 10);
  memory.add(300, bytes(300));
  EXPECT_TRUE(memory.isKnown(300));
  EXPECT_NEAR(withoutMargin(memory, 300), bytes(300), 10);
  for (int64_t batch = 1; batch <= 16; ++batch)
    EXPECT_NEAR(withoutMargin(memory, batch), bytes(batch), 10);
  // Between them it is a line, and it goes on: too much rather than too little.
  for (int64_t batch = 17; batch < 300; ++batch)
    EXPECT_GE(withoutMargin(memory, batch), bytes(batch) - 10);
  memory.add(100, bytes(100));
  for (int64_t batch = 1; batch <= 400; ++batch)
    EXPECT_NEAR(withoutMargin(memory, batch), bytes(batch), 10);
}

} // namespace
} // namespace sluice
