//===- statistics.cpp - Figures of repeated measurements ------------------===//

#include "tools/sluice-bench/statistics.h"

#include <algorithm>
#include <cmath>

namespace sluice::tools {

double mean(std::span<const double> samples) {
  if (samples.empty())
    return 0;
  double sum = 0;
  for (double sample : samples)
    sum += sample;
  return sum / static_cast<double>(samples.size());
}

double deviation(std::span<const double> samples) {
  if (samples.size() < 2)
    return 0;
  const double middle = mean(samples);
  double squares = 0;
  for (double sample : samples)
    squares += (sample - middle) * (sample - middle);
  return std::sqrt(squares / static_cast<double>(samples.size() - 1));
}

double percentile(std::vector<double> samples, double share) {
  if (samples.empty())
    return 0;
  const double rank = std::ceil(share * static_cast<double>(samples.size()));
  const auto index = static_cast<size_t>(
      std::clamp(rank, 1.0, static_cast<double>(samples.size())) - 1);
  std::nth_element(samples.begin(), samples.begin() + index, samples.end());
  return samples[index];
}

} // namespace sluice::tools
