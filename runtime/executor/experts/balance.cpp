//===- balance.cpp - How many experts the CPU takes -----------------------===//

#include "runtime/executor/experts/balance.h"

#include <algorithm>

namespace sluice::experts {
namespace {

/// Weight of what was seen last in the mean.
constexpr double kWeight = 1.0 / 8;
/// What interrupted a thread counts as no more than so many times the mean.
constexpr double kMost = 2;
constexpr double kForgiven = 63.0 / 64;

void learn(double &mean, uint32_t experts, double us) {
  const double one = us / experts;
  if (mean == 0)
    mean = one;
  else
    mean += kWeight * (std::min(one, kMost * mean) - mean);
}

} // namespace

uint32_t hostCount(uint32_t missing, uint32_t queued,
                   const ExpertTimes &times) {
  uint32_t best = 0;
  double least = 0;
  for (uint32_t count = 0; count <= missing; ++count) {
    const uint32_t left = missing - count;
    const double host = count == 0 ? 0 : count * times.host;
    const double bus = left == 0 ? 0 : (left + queued) * times.bus;
    const double time = std::max(host, bus);
    if (count == 0 || time < least) {
      best = count;
      least = time;
    }
  }
  return best;
}

ExpertTimes Balance::times(float share) const {
  if (share > 0 && share < 1 && learned.host > 0 && learned.bus > 0)
    return learned;
  return {1 / static_cast<double>(share), 1 / (1 - static_cast<double>(share))};
}

void Balance::ranOnHost(uint32_t experts, double us, bool exact) {
  if (!exact && learned.host > 0 && us / experts >= learned.host)
    return;
  learn(learned.host, experts, us);
}

void Balance::moved(uint32_t experts, double us) {
  learn(learned.bus, experts, us);
}

void Balance::leftOut(bool host, bool bus) {
  if (host)
    learned.host *= kForgiven;
  if (bus)
    learned.bus *= kForgiven;
}

} // namespace sluice::experts
