//===- predictor_test.cpp - Does it learn what follows what? --------------===//

#include "runtime/experts/predictor.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace sluice::experts;

namespace {

std::vector<uint32_t> predict(Predictor &predictor, uint32_t bank,
                              std::vector<int32_t> previous, size_t limit) {
  std::vector<uint32_t> out(limit, 999);
  out.resize(predictor.predict(bank, previous, out));
  return out;
}

TEST(Predictor, KnowsNothingAtFirst) {
  const std::vector<uint32_t> banks = {4, 6};
  Predictor predictor(banks);
  EXPECT_TRUE(predict(predictor, 0, {}, 4).empty());
  EXPECT_TRUE(predict(predictor, 1, {0, 1}, 6).empty());
  EXPECT_EQ(predictor.popularity(1, 3), 0);
}

TEST(Predictor, CountsPopularity) {
  const std::vector<uint32_t> banks = {4, 6};
  Predictor predictor(banks);
  const std::vector<int32_t> ids = {2, 1, 2, 3, 2, 1}; // three tokens, top 2
  predictor.observe(0, {}, ids, 2);
  EXPECT_FLOAT_EQ(predictor.popularity(0, 2), 1);
  EXPECT_FLOAT_EQ(predictor.popularity(0, 1), 2.0f / 3);
  EXPECT_EQ(predict(predictor, 0, {}, 2), (std::vector<uint32_t>{2, 1}));
  EXPECT_EQ(predict(predictor, 0, {}, 9), (std::vector<uint32_t>{2, 1, 3}));
}

TEST(Predictor, FollowsWhatFollowed) {
  const std::vector<uint32_t> banks = {4, 6};
  Predictor predictor(banks);
  // 0 -> 5 always, 1 -> 3 always; 5 is the more popular.
  for (int i = 0; i < 30; ++i) {
    const std::vector<int32_t> from = {0, 1, 0}, to = {5, 3, 5};
    predictor.observe(0, {}, from, 1);
    predictor.observe(1, from, to, 1);
  }
  EXPECT_EQ(predict(predictor, 1, {1}, 1), (std::vector<uint32_t>{3}));
  EXPECT_EQ(predict(predictor, 1, {0}, 1), (std::vector<uint32_t>{5}));
  EXPECT_EQ(predict(predictor, 1, {0, 1, 1, 1}, 2),
            (std::vector<uint32_t>{3, 5}))
      << "three tokens outvote one";
  EXPECT_EQ(predict(predictor, 1, {2}, 2), (std::vector<uint32_t>{5, 3}))
      << "of 2 nothing is known: popularity decides";
}

TEST(Predictor, SeedsGiveWayToWhatIsSeen) {
  const std::vector<uint32_t> banks = {2, 4};
  Predictor predictor(banks);
  const std::vector<float> popularity = {0.1f, 0.2f, 0.9f, 0.3f};
  const std::vector<uint16_t> successors = {3, 1, /**/ 0, 2};
  predictor.seedPopularity(1, popularity);
  predictor.seedSuccessors(1, successors, 2);
  EXPECT_FLOAT_EQ(predictor.popularity(1, 2), 0.9f);
  EXPECT_EQ(predict(predictor, 1, {}, 2), (std::vector<uint32_t>{2, 3}));
  EXPECT_EQ(predict(predictor, 1, {0}, 2), (std::vector<uint32_t>{3, 1}));
  EXPECT_EQ(predict(predictor, 1, {1}, 2), (std::vector<uint32_t>{0, 2}));
  const std::vector<int32_t> from(200, 0), to(200, 0);
  predictor.observe(1, from, to, 1);
  EXPECT_EQ(predict(predictor, 1, {0}, 1), (std::vector<uint32_t>{0}));
}

TEST(Predictor, OldEvidenceFades) {
  const std::vector<uint32_t> banks = {1, 2};
  Predictor predictor(banks);
  const std::vector<int32_t> from(50000, 0), old(50000, 0);
  predictor.observe(0, {}, from, 1);
  predictor.observe(1, from, old, 1);
  EXPECT_NEAR(predictor.popularity(1, 0), 1, 1e-3);
  const std::vector<int32_t> fromNow(8000, 0), now(8000, 1);
  predictor.observe(1, fromNow, now, 1);
  EXPECT_EQ(predict(predictor, 1, {0}, 1), (std::vector<uint32_t>{1}));
  EXPECT_GT(predictor.popularity(1, 1), predictor.popularity(1, 0));
}

TEST(Predictor, BeatsPopularityOnAChain) {
  // Expert j of a layer follows j - 1 of the one before, three times of four.
  constexpr uint32_t kExperts = 32;
  const std::vector<uint32_t> banks(3, kExperts);
  Predictor predictor(banks);
  std::mt19937 random(3);
  int right = 0, asked = 0;
  for (int token = 0; token < 6000; ++token) {
    std::vector<int32_t> previous;
    for (uint32_t bank = 0; bank < banks.size(); ++bank) {
      auto id = static_cast<int32_t>(random() % kExperts);
      if (bank > 0 && random() % 4 != 0)
        id = (previous[0] + 1) % static_cast<int32_t>(kExperts);
      if (bank > 0 && token >= 3000) {
        ++asked;
        right += predict(predictor, bank, previous, 1)[0] ==
                 static_cast<uint32_t>(id);
      }
      const std::vector<int32_t> ids = {id};
      predictor.observe(bank, previous, ids, 1);
      previous = ids;
    }
  }
  EXPECT_NEAR(static_cast<double>(right) / asked, 0.75 + 0.25 / kExperts, 0.03);
}

} // namespace
