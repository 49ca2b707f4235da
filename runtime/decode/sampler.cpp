//===- sampler.cpp - From logits to a token -------------------------------===//

#include "runtime/decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace sluice {
namespace {

Status outOfRange(const char *flag, double found, const char *expected) {
  return Status(ErrorCode::InvalidArgument, std::string(flag) + " is " +
                                                std::to_string(found) +
                                                ", expected " + expected);
}

} // namespace

Status SamplingParams::validate() const {
  // Written so that NaN fails every one of them.
  if (!(temperature >= 0 && temperature <= 1e6))
    return outOfRange("--temperature", temperature, "a number from 0 to 1e6");
  if (topK < 0)
    return outOfRange("--top-k", topK, "0 (all tokens) or more");
  if (!(topP > 0 && topP <= 1))
    return outOfRange("--top-p", topP, "a number above 0, at most 1");
  if (!(minP >= 0 && minP <= 1))
    return outOfRange("--min-p", minP, "a number from 0 to 1");
  return Status::ok();
}

int32_t argmax(std::span<const float> logits) {
  size_t best = 0;
  bool found = false;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || (found && !(logits[i] > logits[best])))
      continue;
    best = i;
    found = true;
  }
  return static_cast<int32_t>(best);
}

/// A stream of its own for each seed and sequence.
static std::mt19937_64 makeRandom(uint64_t seed, uint64_t sequence) {
  std::seed_seq seeds{
      static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
      static_cast<uint32_t>(sequence), static_cast<uint32_t>(sequence >> 32)};
  return std::mt19937_64(seeds);
}

Sampler::Sampler(const SamplingParams &params, uint64_t sequence, size_t vocab)
    : params(params), random(makeRandom(params.seed, sequence)) {
  if (params.temperature > 0)
    candidates.reserve(vocab);
}

double Sampler::uniform() {
  // 53 bits in [0, 1). std::uniform_real_distribution differs between
  // libraries.
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

int32_t Sampler::sample(std::span<const float> logits) {
  if (params.temperature == 0)
    return argmax(logits);
  const int32_t best = argmax(logits);
  const double top = logits[best];
  if (!std::isfinite(top))
    return best;

  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    double p = std::exp((logits[i] - top) / params.temperature);
    if (p > 0) // also drops NaN
      candidates.push_back({p, static_cast<int32_t>(i)});
  }
  auto likelier = [](const Candidate &a, const Candidate &b) {
    return a.probability != b.probability ? a.probability > b.probability
                                          : a.token < b.token;
  };
  size_t kept = candidates.size();
  if (params.topK > 0)
    kept = std::min(kept, static_cast<size_t>(params.topK));
  const bool needsOrder = kept < candidates.size() || params.topP < 1;
  if (needsOrder)
    std::partial_sort(candidates.begin(), candidates.begin() + kept,
                      candidates.end(), likelier);

  double total = 0;
  for (size_t i = 0; i < kept; ++i)
    total += candidates[i].probability;
  if (params.topP < 1) {
    double running = 0;
    size_t nucleus = 0;
    while (nucleus < kept && running < params.topP * total)
      running += candidates[nucleus++].probability;
    kept = std::max<size_t>(nucleus, 1);
    total = running;
  }
  if (params.minP > 0) {
    // The likeliest token's unnormalised probability is exactly 1.
    auto end = std::remove_if(
        candidates.begin(), candidates.begin() + kept,
        [&](const Candidate &c) { return c.probability < params.minP; });
    kept = static_cast<size_t>(end - candidates.begin());
    total = 0;
    for (size_t i = 0; i < kept; ++i)
      total += candidates[i].probability;
  }

  double target = uniform() * total;
  for (size_t i = 0; i + 1 < kept; ++i) {
    if (target < candidates[i].probability)
      return candidates[i].token;
    target -= candidates[i].probability;
  }
  return candidates[kept - 1].token;
}

} // namespace sluice
