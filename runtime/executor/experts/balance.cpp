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

uint32_t divide(uint32_t missing, uint32_t queued, double tail,
                const ExpertTimes &times) {
  // No work takes no time, also where one would take for ever.
  auto lasts = [](double experts, double one) {
    return experts == 0 ? 0 : experts * one;
  };
  // Rounding makes no division better than another.
  constexpr double kBetter = 1 - 1e-9;
  uint32_t best = 0;
  double least = 0;
  for (uint32_t host = 0; host <= missing; ++host) {
    double onHost = host, onBus = missing - host;
    const double over =
        tail == 0 ? 0
                  : std::min(host * tail,
                             handOver(onHost * times.host,
                                      (onBus + queued) * times.bus, times));
    onHost -= over;
    onBus += over;
    const double time =
        std::max(lasts(onHost, times.host),
                 onBus == 0 ? 0 : lasts(onBus + queued, times.bus));
    if (host == 0 || time < least * kBetter) {
      best = host;
      least = time;
    }
  }
  return best;
}

double handOver(double hostUs, double busUs, const ExpertTimes &times) {
  return std::max(0.0, (hostUs - busUs) / (times.host + times.bus));
}

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
