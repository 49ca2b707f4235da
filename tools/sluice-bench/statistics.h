//===- statistics.h - Figures of repeated measurements ----------*- C++ -*-===//
#pragma once

#include <span>
#include <vector>

namespace sluice::tools {

/// The arithmetic mean; 0 of nothing.
double mean(std::span<const double> samples);

/// The sample standard deviation (n - 1 below); 0 of fewer than two.
double deviation(std::span<const double> samples);

/// The smallest sample that at least `share` of the samples do not exceed
/// (nearest rank): share 0.5 is P50. 0 of nothing.
double percentile(std::vector<double> samples, double share);

} // namespace sluice::tools
