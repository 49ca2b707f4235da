//===- predictor.h - Which experts the next layer will want -----*- C++ -*-===//
//
// Counts of what was seen, as in Klotski (arXiv 2502.06888, path length 1): how
// often expert i at one MoE layer and expert j at the next served the same
// token. A prediction sums the tendencies of all tokens of the step.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::experts {

/// Online statistics of routing. Not thread-safe. Nothing allocates after
/// construction. Old evidence fades: counts are halved when they rest on
/// kHalfAt tokens.
class Predictor {
public:
  static constexpr float kHalfAt = 4096;

  /// `bankExperts`: experts of each bank. Memory: 4 bytes for each pair of
  /// experts of neighbouring banks.
  explicit Predictor(std::span<const uint32_t> bankExperts);

  /// Start values as a compile knows them; both may be left out.
  /// `popularity`: [experts of bank], expected uses a token.
  void seedPopularity(uint32_t bank, std::span<const float> popularity);
  /// `successors`: [experts of bank - 1, count], ids of `bank`, likeliest
  /// first; bank >= 1. They weigh as much as kSeedTokens tokens.
  void seedSuccessors(uint32_t bank, std::span<const uint16_t> successors,
                      uint32_t count);

  /// What a step's rows used: `ids` [rows, topK] of `bank`, `previous` the same
  /// rows' [rows, topK] of bank - 1, empty for bank 0. Ids must be in range.
  void observe(uint32_t bank, std::span<const int32_t> previous,
               std::span<const int32_t> ids, uint32_t topK);

  /// Fills `out` with distinct experts of `bank`, likeliest first, given the
  /// ids that all rows used in bank - 1 (repeated ids count as often as they
  /// stand there; empty: by popularity alone). Returns how many were written:
  /// experts of which nothing is known are left out.
  uint32_t predict(uint32_t bank, std::span<const int32_t> previous,
                   std::span<uint32_t> out);

  /// Expected uses a token.
  float popularity(uint32_t bank, uint32_t expert) const;

private:
  /// Tokens that a seed counts for.
  static constexpr float kSeedTokens = 64;
  /// Tokens that popularity counts for beside what followed an expert.
  static constexpr float kPriorTokens = 8;

  uint32_t size(uint32_t bank) const {
    return firstId[bank + 1] - firstId[bank];
  }
  /// [experts of bank]: tokens that used id `previous` before each of them.
  std::span<float> after(uint32_t bank, uint32_t previous);

  std::vector<uint32_t> firstId; ///< [banks + 1]
  std::vector<size_t> firstPair; ///< [banks], into pairs.
  std::vector<float> served;     ///< [banks], tokens seen.
  std::vector<float> uses;       ///< [all experts], tokens that used each.
  std::vector<float> pairs;      ///< [E of bank - 1, E of bank] a bank.
  std::vector<float> evidence;   ///< [all experts], tokens behind its row.
  std::vector<float> scores;     ///< Scratch, the largest bank's size.
  std::vector<uint32_t> seen;    ///< Scratch, the same size.
  std::vector<uint32_t> order;   ///< Scratch, the same size.
};

} // namespace sluice::experts
