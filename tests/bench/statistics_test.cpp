//===- statistics_test.cpp - Figures of repeated measurements -------------===//

#include "tools/sluice-bench/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::tools {
namespace {

TEST(Statistics, MeanAndSampleDeviation) {
  const std::vector<double> samples = {2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(mean(samples), 5);
  EXPECT_DOUBLE_EQ(deviation(samples), std::sqrt(32.0 / 7));
}

TEST(Statistics, OneSampleHasNoSpread) {
  EXPECT_EQ(mean({}), 0);
  EXPECT_EQ(deviation({}), 0);
  EXPECT_EQ(percentile({}, 0.5), 0);
  const std::vector<double> one = {3};
  EXPECT_EQ(mean(one), 3);
  EXPECT_EQ(deviation(one), 0);
  EXPECT_EQ(percentile(one, 0.95), 3);
}

TEST(Statistics, PercentilesAreSamplesByNearestRank) {
  std::vector<double> samples; // 100 .. 1
  for (int i = 100; i > 0; --i)
    samples.push_back(i);
  EXPECT_EQ(percentile(samples, 0.50), 50);
  EXPECT_EQ(percentile(samples, 0.95), 95);
  EXPECT_EQ(percentile(samples, 1.00), 100);
  EXPECT_EQ(percentile(samples, 0.00), 1);
  EXPECT_EQ(percentile({5, 1, 3}, 0.5), 3);
  EXPECT_EQ(percentile({1, 2}, 0.5), 1);
}

} // namespace
} // namespace sluice::tools
