//===- sampler_test.cpp - Does sampling follow its law? -------------------===//

#include "runtime/decode/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace sluice {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

const std::vector<float> kLogits = {1.0f, 3.0f, 0.5f, 2.0f, -1.0f, 2.5f};

std::map<int32_t, int> draw(const SamplingParams &params, int draws,
                            const std::vector<float> &logits = kLogits) {
  Sampler sampler(params, 0, logits.size());
  std::map<int32_t, int> counts;
  for (int i = 0; i < draws; ++i)
    ++counts[sampler.sample(logits)];
  return counts;
}

/// Chi-square of counts against probabilities; every drawn token must have one.
double chiSquare(const std::map<int32_t, int> &counts,
                 const std::map<int32_t, double> &law, int draws) {
  double sum = 0;
  for (const auto &[token, p] : law) {
    auto found = counts.find(token);
    double seen = found == counts.end() ? 0 : found->second;
    sum += (seen - p * draws) * (seen - p * draws) / (p * draws);
  }
  for (const auto &[token, count] : counts)
    if (!law.count(token))
      sum += 1e9;
  return sum;
}

std::map<int32_t, double> softmax(std::vector<int32_t> tokens, double t) {
  std::map<int32_t, double> law;
  double total = 0;
  for (int32_t token : tokens)
    total += law[token] = std::exp(kLogits[token] / t);
  for (auto &[token, p] : law)
    p /= total;
  return law;
}

TEST(Argmax, TakesTheSmallestIdOfEqualOnes) {
  EXPECT_EQ(argmax(std::vector<float>{1, 5, 5, 2}), 1);
}

TEST(Argmax, NeverTakesNaN) {
  EXPECT_EQ(argmax(std::vector<float>{kNaN, -kInf, 2, kNaN}), 2);
  EXPECT_EQ(argmax(std::vector<float>{kNaN, -kInf}), 1);
  EXPECT_EQ(argmax(std::vector<float>{kNaN, kNaN}), 0);
}

TEST(Sampler, IsGreedyByDefault) {
  EXPECT_EQ(draw({}, 10), (std::map<int32_t, int>{{1, 10}}));
}

TEST(Sampler, SameSeedAndSequenceGiveTheSameTokens) {
  SamplingParams params{.temperature = 1.5, .seed = 7};
  Sampler a(params, 3, 6), b(params, 3, 6), otherSequence(params, 4, 6);
  int differing = 0;
  for (int i = 0; i < 200; ++i) {
    int32_t token = a.sample(kLogits);
    EXPECT_EQ(token, b.sample(kLogits));
    differing += token != otherSequence.sample(kLogits);
  }
  EXPECT_GT(differing, 50);
}

// 1e6 draws; the bounds are the chi-square quantiles for alpha = 1e-6 at the
// degrees of freedom that remain.
TEST(Sampler, TemperatureFollowsTheSoftmax) {
  constexpr int draws = 1'000'000;
  auto counts = draw({.temperature = 0.7, .seed = 1}, draws);
  EXPECT_LT(chiSquare(counts, softmax({0, 1, 2, 3, 4, 5}, 0.7), draws), 36.0);
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  constexpr int draws = 1'000'000;
  auto counts = draw({.temperature = 1, .topK = 3, .seed = 2}, draws);
  EXPECT_LT(chiSquare(counts, softmax({1, 5, 3}, 1), draws), 27.6);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesP) {
  constexpr int draws = 1'000'000;
  // Probabilities: 1: .415, 5: .252, 3: .153, ...: 0.6 needs the first two.
  auto counts = draw({.temperature = 1, .topP = 0.6, .seed = 3}, draws);
  EXPECT_LT(chiSquare(counts, softmax({1, 5}, 1), draws), 23.9);
  EXPECT_EQ(draw({.temperature = 1, .topP = 1e-9}, 10).size(), 1u);
}

TEST(Sampler, MinPDropsWhatIsFarBelowTheLikeliest) {
  constexpr int draws = 1'000'000;
  // exp(2.5 - 3) = .61 and exp(2 - 3) = .37 of the best; .3 keeps both.
  auto counts = draw({.temperature = 1, .minP = 0.3, .seed = 4}, draws);
  EXPECT_LT(chiSquare(counts, softmax({1, 5, 3}, 1), draws), 27.6);
}

TEST(Sampler, FiltersApplyInOrder) {
  constexpr int draws = 1'000'000;
  SamplingParams params{
      .temperature = 2, .topK = 4, .topP = 0.95, .minP = 0.5, .seed = 5};
  auto counts = draw(params, draws);
  // At temperature 2: 5 has .78 of the best, 3 has .61, 0 has .37.
  EXPECT_LT(chiSquare(counts, softmax({1, 5, 3}, 2), draws), 27.6);
}

TEST(Sampler, SurvivesInfinitiesAndNaN) {
  SamplingParams params{.temperature = 1, .topK = 2, .topP = 0.9, .minP = 0.1};
  EXPECT_EQ(draw(params, 5, {kNaN, 1, kNaN}), (std::map<int32_t, int>{{1, 5}}));
  EXPECT_EQ(draw(params, 5, {-kInf, kInf}), (std::map<int32_t, int>{{1, 5}}));
  EXPECT_EQ(draw(params, 5, {-kInf, -kInf}), (std::map<int32_t, int>{{0, 5}}));
}

TEST(Sampler, TinyTemperatureIsGreedy) {
  EXPECT_EQ(draw({.temperature = 1e-30}, 10),
            (std::map<int32_t, int>{{1, 10}}));
}

TEST(SamplingParams, NamesTheFlagThatIsOutOfRange) {
  const double nan = std::nan("");
  auto message = [](const SamplingParams &params) {
    return std::string(params.validate().message());
  };
  EXPECT_TRUE(SamplingParams{}.validate().isOk());
  for (double bad : {-1.0, nan, double{kInf}})
    EXPECT_NE(message({.temperature = bad}).find("--temperature"),
              std::string::npos);
  EXPECT_NE(message({.topK = -1}).find("--top-k"), std::string::npos);
  for (double bad : {0.0, -0.5, 1.5, nan})
    EXPECT_NE(message({.topP = bad}).find("--top-p"), std::string::npos);
  for (double bad : {-0.1, 1.1, nan})
    EXPECT_NE(message({.minP = bad}).find("--min-p"), std::string::npos);
}

} // namespace
} // namespace sluice
