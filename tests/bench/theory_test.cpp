//===- theory_test.cpp - The multi-batch argument, by hand ----------------===//

#include "tools/sluice-bench/theory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace sluice::tools {
namespace {

TEST(Theory, UniqueExpertsAreExpectedUnions) {
  // One batch needs exactly its own k, all of them at k = E.
  EXPECT_DOUBLE_EQ(expectedUniqueExperts(128, 8, 1), 8.0);
  EXPECT_DOUBLE_EQ(expectedUniqueExperts(8, 8, 1), 8.0);
  EXPECT_DOUBLE_EQ(expectedUniqueExperts(8, 8, 100), 8.0);
  EXPECT_DOUBLE_EQ(expectedUniqueExperts(1, 1, 3), 1.0);
  // Two of four twice: 4 (1 - 1/4) = 3. Thrice: 4 (1 - 1/8) = 3.5.
  EXPECT_DOUBLE_EQ(expectedUniqueExperts(4, 2, 2), 3.0);
  EXPECT_DOUBLE_EQ(expectedUniqueExperts(4, 2, 3), 3.5);
  // 128 (1 - (15/16)^n), from exact fractions.
  EXPECT_NEAR(expectedUniqueExperts(128, 8, 4), 29.12305, 1e-5);
  EXPECT_NEAR(expectedUniqueExperts(128, 8, 8), 51.61991, 1e-5);
  EXPECT_NEAR(expectedUniqueExperts(128, 8, 128), 127.96692, 1e-5);
}

/// The union counted over every choice of two 2-subsets of five experts.
TEST(Theory, AgreesWithEnumeration) {
  int unions = 0, pairs = 0;
  for (int first = 0; first < 32; ++first)
    for (int second = 0; second < 32; ++second)
      if (__builtin_popcount(first) == 2 && __builtin_popcount(second) == 2) {
        unions += __builtin_popcount(first | second);
        ++pairs;
      }
  EXPECT_NEAR(expectedUniqueExperts(5, 2, 2), double(unions) / pairs, 1e-12);
}

/// The defaults: 8 experts of 0.387 ms are 3.096 ms a layer and 148.608 ms a
/// step, so 6.73 tokens a second; transfers set the pace up to n = 128.
TEST(Theory, TableOfQwen3) {
  const MultiBatchModel model;
  ASSERT_TRUE(model.validate());
  const MultiBatchRow one = multiBatch(model, 1);
  EXPECT_DOUBLE_EQ(one.ioMs, 3.096);
  EXPECT_DOUBLE_EQ(one.layerMs, 3.096);
  EXPECT_NEAR(one.tokensPerSecond, 6.7291, 1e-4);
  EXPECT_DOUBLE_EQ(one.speedup, 1.0);

  const struct {
    uint32_t batches;
    double speedup;
    double quoted; ///< In the first sketch of the argument.
  } lines[] = {{4, 1.0988, 1.08},  {8, 1.2398, 1.26},  {16, 1.5530, 1.54},
               {32, 2.2904, 2.33}, {64, 4.0654, 4.15}, {128, 8.0021, 7.88}};
  for (const auto &line : lines) {
    const MultiBatchRow row = multiBatch(model, line.batches);
    EXPECT_NEAR(row.speedup, line.speedup, 1e-4) << line.batches;
    EXPECT_NEAR(row.speedup / line.quoted, 1.0, 0.021) << line.batches;
    EXPECT_NEAR(row.tokensPerSecond, row.speedup * one.tokensPerSecond, 1e-9);
  }
}

TEST(Theory, TheSlowerSideSetsThePace) {
  // Four experts of 1 ms, two a batch; an attention of 2 ms.
  const MultiBatchModel model{
      .experts = 4, .topK = 2, .layers = 10, .expertIoMs = 1, .attentionMs = 2};
  const MultiBatchRow two = multiBatch(model, 2);
  EXPECT_DOUBLE_EQ(two.ioMs, 3);
  EXPECT_DOUBLE_EQ(two.attentionMs, 4);
  EXPECT_DOUBLE_EQ(two.layerMs, 4);
  EXPECT_DOUBLE_EQ(two.tokensPerSecond, 50); // 2 in 10 layers of 4 ms
  EXPECT_DOUBLE_EQ(two.speedup, 1);
}

TEST(Theory, RefusesWhatMakesNoSense) {
  auto says = [](MultiBatchModel model, const char *flag) {
    const Status status = model.validate();
    return !status && status.message().find(flag) != std::string_view::npos;
  };
  EXPECT_TRUE(says({.experts = 0}, "--num-experts"));
  EXPECT_TRUE(says({.topK = 0}, "--top-k"));
  EXPECT_TRUE(says({.topK = 129}, "--top-k"));
  EXPECT_TRUE(says({.layers = 0}, "--layers"));
  for (double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                     std::numeric_limits<double>::infinity()}) {
    EXPECT_TRUE(says({.expertIoMs = bad}, "--io-ms")) << bad;
    EXPECT_TRUE(says({.attentionMs = bad}, "--attention-ms")) << bad;
  }
}

} // namespace
} // namespace sluice::tools
