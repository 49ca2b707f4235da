//===- sampler.h - From logits to a token -----------------------*- C++ -*-===//
//
// Greedy, or seeded temperature / top-k / top-p / min-p sampling. The filters
// run in the order of Hugging Face transformers: temperature, top-k, top-p,
// min-p. Probabilities are computed in double precision.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace sluice {

/// What a user may ask of sampling. The defaults are greedy decoding.
struct SamplingParams {
  double temperature = 0; ///< 0 is greedy; else logits are divided by it.
  int32_t topK = 0;       ///< Keep the k likeliest tokens; 0 keeps all.
  double topP = 1;        ///< Keep the smallest set with this probability.
  double minP = 0;        ///< Drop tokens below this share of the likeliest's.
  uint64_t seed = 0;

  /// Names the flag that is out of range (negative, NaN, above one).
  Status validate() const;
};

/// The likeliest token; of equal ones the smallest id. NaN never wins; if every
/// logit is NaN the answer is 0. `logits` is not empty.
int32_t argmax(std::span<const float> logits);

/// Draws tokens for one sequence. Its random stream depends on the seed and the
/// sequence's number alone, so a sequence's text does not depend on what runs
/// beside it. Not thread-safe. Allocates on construction only.
class Sampler {
public:
  /// `vocab` is the most logits a call will bring.
  Sampler(const SamplingParams &params, uint64_t sequence, size_t vocab);

  int32_t sample(std::span<const float> logits);

private:
  struct Candidate {
    double probability;
    int32_t token;
  };

  double uniform();

  SamplingParams params;
  std::mt19937_64 random;
  std::vector<Candidate> candidates;
};

} // namespace sluice
