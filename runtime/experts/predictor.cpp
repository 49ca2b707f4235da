//===- predictor.cpp - Which experts the next layer will want -------------===//

#include "runtime/experts/predictor.h"

#include <algorithm>
#include <cassert>

namespace sluice::experts {

Predictor::Predictor(std::span<const uint32_t> bankExperts)
    : firstId(1, 0), served(bankExperts.size(), 0) {
  uint32_t largest = 0;
  size_t pairCount = 0;
  for (size_t bank = 0; bank < bankExperts.size(); ++bank) {
    firstId.push_back(firstId.back() + bankExperts[bank]);
    firstPair.push_back(pairCount);
    if (bank > 0)
      pairCount += size_t{bankExperts[bank - 1]} * bankExperts[bank];
    largest = std::max(largest, bankExperts[bank]);
  }
  uses.assign(firstId.back(), 0);
  evidence.assign(firstId.back(), 0);
  pairs.assign(pairCount, 0);
  scores.assign(largest, 0);
  seen.assign(largest, 0);
  order.assign(largest, 0);
}

std::span<float> Predictor::after(uint32_t bank, uint32_t previous) {
  return std::span(pairs).subspan(
      firstPair[bank] + size_t{previous} * size(bank), size(bank));
}

void Predictor::seedPopularity(uint32_t bank,
                               std::span<const float> popularity) {
  assert(popularity.size() == size(bank) && "one an expert");
  served[bank] = kSeedTokens;
  for (uint32_t expert = 0; expert < size(bank); ++expert)
    uses[firstId[bank] + expert] = popularity[expert] * kSeedTokens;
}

void Predictor::seedSuccessors(uint32_t bank,
                               std::span<const uint16_t> successors,
                               uint32_t count) {
  assert(bank > 0 && successors.size() == size_t{size(bank - 1)} * count &&
         "count ids an expert of the bank before");
  for (uint32_t previous = 0; previous < size(bank - 1); ++previous) {
    const std::span<float> row = after(bank, previous);
    std::fill(row.begin(), row.end(), 0.0f);
    // Only their order is known: the first serves half of the tokens, the
    // others fewer and fewer.
    for (uint32_t rank = 0; rank < count; ++rank)
      row[successors[size_t{previous} * count + rank]] =
          kSeedTokens * 2 / static_cast<float>(4 + rank);
    evidence[firstId[bank - 1] + previous] = kSeedTokens;
  }
}

void Predictor::observe(uint32_t bank, std::span<const int32_t> previous,
                        std::span<const int32_t> ids, uint32_t topK) {
  assert((previous.empty() || previous.size() == ids.size()) &&
         "the same rows of both banks");
  for (int32_t id : ids)
    uses[firstId[bank] + static_cast<uint32_t>(id)] += 1;
  const size_t tokens = ids.size() / topK;
  served[bank] += static_cast<float>(tokens);
  while (served[bank] >= kHalfAt) {
    served[bank] /= 2;
    for (uint32_t id = firstId[bank]; id < firstId[bank + 1]; ++id)
      uses[id] /= 2;
  }
  if (bank == 0)
    return;
  for (size_t first = 0; first < previous.size(); first += topK)
    for (int32_t from : previous.subspan(first, topK)) {
      const std::span<float> row = after(bank, static_cast<uint32_t>(from));
      for (int32_t id : ids.subspan(first, topK))
        row[static_cast<uint32_t>(id)] += 1;
      float &tokens = evidence[firstId[bank - 1] + static_cast<uint32_t>(from)];
      tokens += 1;
      if (tokens >= kHalfAt) {
        tokens /= 2;
        for (float &count : row)
          count /= 2;
      }
    }
}

uint32_t Predictor::predict(uint32_t bank, std::span<const int32_t> previous,
                            std::span<uint32_t> out) {
  const uint32_t experts = size(bank);
  const std::span<float> score = std::span(scores).first(experts);
  std::fill(score.begin(), score.end(), 0.0f);
  // A token that used `from` uses j with probability (pair + prior * p_j) /
  // (evidence + prior); each of a token's experts gives such an estimate, and
  // their sum over all tokens orders the candidates.
  float prior = previous.empty() ? 1.0f : 0.0f;
  if (bank > 0) {
    const std::span<uint32_t> times = std::span(seen).first(size(bank - 1));
    std::fill(times.begin(), times.end(), 0u);
    for (int32_t from : previous)
      ++times[static_cast<uint32_t>(from)];
    for (uint32_t from = 0; from < times.size(); ++from) {
      if (times[from] == 0)
        continue;
      const float weight = static_cast<float>(times[from]) /
                           (evidence[firstId[bank - 1] + from] + kPriorTokens);
      prior += weight * kPriorTokens;
      const std::span<const float> row = after(bank, from);
      for (uint32_t expert = 0; expert < experts; ++expert)
        score[expert] += weight * row[expert];
    }
  }
  if (served[bank] > 0)
    for (uint32_t expert = 0; expert < experts; ++expert)
      score[expert] += prior * uses[firstId[bank] + expert] / served[bank];

  uint32_t candidates = 0;
  for (uint32_t expert = 0; expert < experts; ++expert)
    if (score[expert] > 0)
      order[candidates++] = expert;
  const auto wanted =
      static_cast<uint32_t>(std::min<size_t>(out.size(), candidates));
  std::partial_sort(order.begin(), order.begin() + wanted,
                    order.begin() + candidates, [&](uint32_t a, uint32_t b) {
                      return score[a] != score[b] ? score[a] > score[b] : a < b;
                    });
  std::copy_n(order.begin(), wanted, out.begin());
  return wanted;
}

float Predictor::popularity(uint32_t bank, uint32_t expert) const {
  return served[bank] > 0 ? uses[firstId[bank] + expert] / served[bank] : 0;
}

} // namespace sluice::experts
