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

void learn(double &mean, double experts, double us) {
  // Of less than one, what every job and copy costs is too large a part.
  if (experts < 1)
    return;
  const double one = us / experts;
  if (mean == 0)
    mean = one;
  else
    mean += kWeight * (std::min(one, kMost * mean) - mean);
}

} // namespace

bool Balance::hasLearned(float share) const {
  return share > 0 && share < 1 && learned.host > 0 && learned.bus > 0;
}

ExpertTimes Balance::times(float share) const {
  if (hasLearned(share))
    return learned;
  return {1 / static_cast<double>(share), 1 / (1 - static_cast<double>(share))};
}

void Balance::ranOnHost(double experts, double us) {
  learn(learned.host, experts, us);
}

void Balance::moved(double experts, double us) {
  learn(learned.bus, experts, us);
}

void Balance::leftOut(bool host, bool bus) {
  if (host)
    learned.host *= kForgiven;
  if (bus)
    learned.bus *= kForgiven;
}

} // namespace sluice::experts
