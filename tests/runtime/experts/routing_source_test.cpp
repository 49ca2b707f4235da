//===- routing_source_test.cpp - Does the dice obey its description? ------===//

#include "runtime/experts/routing_source.h"
#include "tests/runtime/experts/traces.h"
#include "tests/runtime/io/temporary_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

using namespace sluice;
using namespace sluice::experts;
using sluice::testing::expectLine;
using sluice::testing::TemporaryDirectory;

namespace {

constexpr RoutingShape kShape = {
    .banks = 3, .experts = 16, .topK = 4, .maxRows = 8};

std::vector<int32_t> fill(RoutingSource &source, uint64_t step, uint32_t bank,
                          uint32_t rows) {
  std::vector<int32_t> ids(rows * kShape.topK, -1);
  source.fill(step, bank, rows, kShape.topK, ids.data());
  return ids;
}

TEST(SyntheticRouting, RowsAreDistinctAndInRange) {
  for (double skew : {0.0, 1.0, 3.0, 16.0})
    for (double repeat : {0.0, 0.5, 1.0}) {
      const auto source = makeSyntheticRouting(kShape, {repeat, skew, 1});
      for (uint64_t step = 0; step < 50; ++step)
        for (uint32_t bank = 0; bank < kShape.banks; ++bank) {
          const auto ids = fill(*source, step, bank, 8);
          for (size_t first = 0; first < ids.size(); first += kShape.topK) {
            const std::set<int32_t> row(ids.begin() + first,
                                        ids.begin() + first + kShape.topK);
            ASSERT_EQ(row.size(), kShape.topK);
            ASSERT_GE(*row.begin(), 0);
            ASSERT_LT(*row.rbegin(), 16);
          }
        }
    }
}

TEST(SyntheticRouting, TakesAllExpertsWhereTopKIsAll) {
  const RoutingShape shape = {
      .banks = 1, .experts = 4, .topK = 4, .maxRows = 1};
  const auto source = makeSyntheticRouting(shape, {0.5, 9, 1});
  for (uint64_t step = 0; step < 20; ++step) {
    int32_t ids[4];
    source->fill(step, 0, 1, 4, ids);
    std::sort(ids, ids + 4);
    for (int32_t i = 0; i < 4; ++i)
      ASSERT_EQ(ids[i], i);
  }
}

TEST(SyntheticRouting, IsTheSameForASeedAndAStep) {
  const SyntheticRouting how = {.repeat = 0.5, .skew = 1, .seed = 9};
  const auto one = makeSyntheticRouting(kShape, how);
  const auto two = makeSyntheticRouting(kShape, how);
  const auto other = makeSyntheticRouting(kShape, {0.5, 1, 10});
  std::vector<std::vector<int32_t>> first;
  bool differs = false;
  for (uint64_t step = 0; step < 20; ++step)
    for (uint32_t bank = 0; bank < kShape.banks; ++bank) {
      first.push_back(fill(*one, step, bank, 8));
      EXPECT_EQ(fill(*two, step, bank, 8), first.back());
      EXPECT_EQ(fill(*two, step, bank, 8), first.back()) << "asked again";
      differs |= fill(*other, step, bank, 8) != first.back();
    }
  EXPECT_TRUE(differs);
  size_t at = 0;
  for (uint64_t step = 0; step < 20; ++step) // step 0 starts over
    for (uint32_t bank = 0; bank < kShape.banks; ++bank)
      EXPECT_EQ(fill(*one, step, bank, 8), first[at++]);
}

TEST(SyntheticRouting, UniformUsesAllAlike) {
  const RoutingTrace trace = syntheticTrace(kShape, {}, 8000);
  std::vector<int> uses(16, 0);
  for (uint64_t token = 0; token < trace.rows; ++token)
    for (int32_t id : trace.at(token, 1))
      ++uses[static_cast<size_t>(id)];
  // 8000 tokens use each of 16 experts with p = 1/4: sigma is 38.7.
  for (int count : uses)
    EXPECT_NEAR(count, 2000, 5 * 38.7);
}

TEST(SyntheticRouting, SkewFollowsZipf) {
  RoutingShape shape = kShape;
  shape.topK = 1;
  const RoutingTrace trace = syntheticTrace(shape, {0, 1.0, 4}, 20000);
  double harmonic = 0;
  for (int rank = 1; rank <= 16; ++rank)
    harmonic += 1.0 / rank;
  std::vector<std::vector<int32_t>> orders;
  for (uint32_t bank = 0; bank < shape.banks; ++bank) {
    std::vector<std::pair<int, int32_t>> uses(16);
    for (int32_t id = 0; id < 16; ++id)
      uses[static_cast<size_t>(id)].second = id;
    for (uint64_t token = 0; token < trace.rows; ++token)
      ++uses[static_cast<size_t>(trace.at(token, bank)[0])].first;
    std::sort(uses.rbegin(), uses.rend());
    for (size_t rank = 0; rank < 4; ++rank) {
      const double p = 1.0 / (static_cast<double>(rank + 1) * harmonic);
      EXPECT_NEAR(uses[rank].first, 20000 * p,
                  5 * std::sqrt(20000 * p * (1 - p)));
    }
    orders.push_back({uses[0].second, uses[1].second, uses[2].second});
  }
  EXPECT_FALSE(orders[0] == orders[1] && orders[1] == orders[2])
      << "each layer has an order of its own";
}

TEST(SyntheticRouting, RepeatKeepsThatShare) {
  for (double repeat : {0.0, 0.3, 0.8, 1.0}) {
    const RoutingTrace trace =
        syntheticTrace({2, 128, 8, 1}, {repeat, 0, 4}, 4000);
    uint64_t kept = 0;
    for (uint64_t token = 1; token < trace.rows; ++token) {
      const auto before = trace.at(token - 1, 1), now = trace.at(token, 1);
      for (int32_t id : now)
        kept += std::count(before.begin(), before.end(), id) != 0;
    }
    const double share = static_cast<double>(kept) / (3999 * 8);
    // Of those drawn anew some were there before: about 8 of 128.
    EXPECT_NEAR(share, repeat + (1 - repeat) * (1 - repeat) * 8 / 128, 0.02);
  }
}

TEST(ReplayRouting, EveryRowIsAStreamOfTheTrace) {
  RoutingTrace trace{
      .banks = 3, .experts = 16, .topK = 4, .rows = 20, .ids = {}};
  for (int32_t token = 0; token < 20; ++token)
    for (int32_t bank = 0; bank < 3; ++bank)
      for (int32_t rank = 0; rank < 4; ++rank)
        trace.ids.push_back((token + 5 * bank + rank) % 16);
  const auto source = makeReplayRouting(kShape, trace);
  ASSERT_TRUE(source.isOk());
  for (uint64_t step : {0, 1, 2, 30})
    for (uint32_t bank = 0; bank < 3; ++bank) {
      const auto ids = fill(**source, step, bank, 8);
      for (uint32_t row = 0; row < 8; ++row) { // 20 tokens / 8 rows: every 2nd
        const auto expected = trace.at((2 * row + step) % 20, bank);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                               ids.begin() + row * 4));
      }
    }
  // Two sequences are half the trace apart; longer steps are as before.
  RoutingShape pair = kShape;
  pair.sequences = 2;
  const auto pairs = makeReplayRouting(pair, trace);
  ASSERT_TRUE(pairs.isOk());
  const auto two = fill(**pairs, 3, 1, 2);
  EXPECT_TRUE(std::ranges::equal(trace.at(3, 1), std::span(two).first(4)));
  EXPECT_TRUE(std::ranges::equal(trace.at(13, 1), std::span(two).last(4)));
  EXPECT_EQ(fill(**pairs, 3, 1, 8), fill(**source, 3, 1, 8));
  EXPECT_EQ(fill(**pairs, 3, 1, 1), fill(**source, 3, 1, 1));
  RoutingShape other = kShape;
  other.experts = 17;
  const auto refused = makeReplayRouting(other, trace);
  ASSERT_FALSE(refused.isOk());
  expectLine(refused.status().message(), {"16 experts", "17 experts"});
  trace.rows = 0;
  trace.ids.clear();
  EXPECT_FALSE(makeReplayRouting(kShape, trace).isOk());
}

TEST(ParseRoutingSource, ReadsWhatItDescribes) {
  const auto parse = [](const std::string &text) {
    return parseRoutingSource(text, kShape, {});
  };
  for (const char *good :
       {"synthetic", "synthetic:", "synthetic:repeat=0.5",
        "synthetic:seed=18446744073709551615,skew=16,repeat=1",
        "synthetic:skew=1e-1"})
    EXPECT_TRUE(parse(good).isOk()) << good;
  const auto source = parse("synthetic:repeat=0.5,skew=1,seed=9");
  ASSERT_TRUE(source.isOk());
  const auto same = makeSyntheticRouting(kShape, {0.5, 1, 9});
  EXPECT_EQ(fill(**source, 0, 2, 8), fill(*same, 0, 2, 8));
  for (const char *bad : {"",
                          "replay",
                          "dice",
                          "syntheticx",
                          "synthetic:repeat=",
                          "synthetic:repeat=1.1",
                          "synthetic:repeat=-0.1",
                          "synthetic:repeat=nan",
                          "synthetic:skew=17",
                          "synthetic:skew=inf",
                          "synthetic:skew=1 ",
                          "synthetic:seed=-1",
                          "synthetic:seed=1.5",
                          "synthetic:seed=18446744073709551616",
                          "synthetic:,",
                          "synthetic:seed=1,",
                          "synthetic:seed=1,seed=1",
                          "synthetic:speed=1",
                          "synthetic:repeat",
                          "replay:",
                          "replay:/nowhere/routing.safetensors"}) {
    const auto refused = parse(bad);
    ASSERT_FALSE(refused.isOk()) << bad;
    expectLine(refused.status().message(), {});
  }
}

TEST(ParseRoutingSource, OpensARecording) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("r.safetensors");
  const std::vector<uint32_t> layers = {0, 1, 2};
  const RoutingTrace trace = syntheticTrace(kShape, {}, 5);
  const std::vector<int32_t> column = {0, 1, 2, 3, 4}, zeros(5, 0);
  const std::vector<float> weights(trace.ids.size(), 0.25f);
  const std::vector<float> popularity(3 * 16, 0.25f);
  const std::vector<int32_t> transitions(3 * 16 * 16, 0);
  ASSERT_TRUE(writeRoutingFile(path, {.model = "m",
                                      .fingerprint = 1,
                                      .experts = 16,
                                      .topK = 4,
                                      .layers = layers,
                                      .ids = trace.ids,
                                      .weights = weights,
                                      .tokens = column,
                                      .positions = column,
                                      .sequences = zeros,
                                      .popularity = popularity,
                                      .transitions = transitions})
                  .isOk());
  RoutingShape shape = kShape;
  shape.maxRows = 1;
  const auto source = parseRoutingSource("replay:" + path, shape, {});
  ASSERT_TRUE(source.isOk()) << source.status().message();
  const auto ids = fill(**source, 6, 2, 1); // 5 tokens: the second again
  EXPECT_TRUE(std::equal(ids.begin(), ids.end(), trace.at(1, 2).begin()));
  RoutingExpectation other;
  other.fingerprint = 2;
  EXPECT_FALSE(parseRoutingSource("replay:" + path, shape, other).isOk());
}

} // namespace
