//===- host_figures.cpp - From times of jobs to figures -------------------===//

#include "tools/sluice-profile/host_figures.h"

#include <algorithm>
#include <cmath>

namespace sluice::tools {

uint64_t measuredBytes(uint64_t most, uint64_t planned) {
  constexpr uint64_t kLeast = uint64_t{1} << 30, kMost = uint64_t{32} << 30;
  // Up to a third of 54 GiB was half as fast as the rest on machines with an
  // H200, elsewhere on each: a part of it would say little.
  if (planned > 0)
    return std::clamp(planned, kLeast, std::max(kLeast, most / 4 * 3));
  // Experts in 40 GiB took 8% longer than the same jobs in 2.4 GiB, which is
  // far more than any cache holds too.
  return std::clamp(most / 4, kLeast, kMost);
}

double meanUs(std::vector<double> us) {
  constexpr double kInterrupted = 3; // medians
  auto middle = us.begin() + static_cast<std::ptrdiff_t>(us.size() / 2);
  std::nth_element(us.begin(), middle, us.end());
  const double most = kInterrupted * *middle;
  double sum = 0, count = 0;
  for (double one : us)
    if (one <= most) {
      sum += one;
      ++count;
    }
  return sum / count;
}

double withoutUs(double us, double part) {
  constexpr double kLeast = 0.1;
  return std::max(us - part, kLeast * us);
}

Line fitLine(std::span<const Curve::Point> points) {
  const auto count = static_cast<double>(points.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (const Curve::Point &point : points) {
    x += point.x;
    y += point.y;
    xx += point.x * point.x;
    xy += point.x * point.y;
  }
  const double each = (count * xy - x * y) / (count * xx - x * x);
  const double at0 = (y - each * x) / count;
  if (at0 >= 0 && each > 0)
    return {at0, each};
  return {0, xy / xx};
}

JobAndCopies shareEvenly(const HostRates &rates) {
  constexpr int64_t kFewest = 3, kMost = 6;
  constexpr double kNear = 0.1;
  JobAndCopies best;
  double least = 0;
  for (int64_t experts = kFewest; experts <= kMost; ++experts) {
    const double even =
        static_cast<double>(experts) * rates.bus / rates.experts;
    const int64_t copies = std::max<int64_t>(1, std::llround(even));
    const double apart = std::abs(static_cast<double>(copies) / even - 1);
    if (best.experts == 0 || apart < least) {
      best = {experts, copies};
      least = apart;
    }
    if (least <= kNear)
      break;
  }
  return best;
}

std::optional<HostRates> ratesWhileBoth(const Reader &bus,
                                        const Reader &experts) {
  const double both = std::min(bus.us, experts.us);
  auto rate = [&](const Reader &one) {
    return one.bytes / 1e3 / both - one.alone * (one.us / both - 1);
  };
  const HostRates rates = {rate(bus), rate(experts)};
  if (both > 0 && rates.bus > 0 && rates.experts > 0)
    return rates;
  return std::nullopt;
}

} // namespace sluice::tools
