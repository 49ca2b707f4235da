//===- division.cpp - Missing experts, divided between CPU and bus --------===//

#include "runtime/experts/division.h"

#include <algorithm>

namespace sluice::experts {

uint32_t divide(uint32_t missing, uint32_t queued, double tail,
                const ExpertTimes &times) {
  // No work takes no time, also where one would take for ever.
  auto lasts = [](double experts, double one) {
    return experts == 0 ? 0 : experts * one;
  };
  // Rounding makes no division better than another.
  constexpr double kBetter = 1 - 1e-9;
  // Of what the CPU is given the bus should take so much over at least.
  constexpr double kReserve = 1.0 / 16;
  uint32_t best = 0;
  double least = 0, reserve = 0;
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
    const bool isBetter = host == 0 || time < least * kBetter;
    const bool isAsGood = time * kBetter <= least;
    const bool hasMore = over > reserve && missing - host + queued > 0;
    if (isBetter || (isAsGood && hasMore && reserve < kReserve * best)) {
      best = host;
      least = isBetter ? time : least;
      reserve = over;
    }
  }
  return best;
}

double handOver(double hostUs, double busUs, const ExpertTimes &times) {
  return std::max(0.0, (hostUs - busUs) / (times.host + times.bus));
}

double handOver(const HostProgress &host, double busUs, double busOneUs) {
  if (host.left <= 0 || host.left >= 1)
    return 0;
  const double oneUs = host.us / ((1 - host.left) * host.experts);
  return handOver(host.left * host.experts * oneUs, busUs, {oneUs, busOneUs});
}

} // namespace sluice::experts
