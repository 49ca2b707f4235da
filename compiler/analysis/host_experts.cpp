//===- host_experts.cpp - Experts that few rows use, on the CPU -----------===//

#include "compiler/analysis/host_experts.h"

#include <algorithm>

namespace sluice {

HostExperts::HostExperts(const LayerShape &layer, const ExpertLoad &load,
                         double batch, const Hardware &hardware)
    : bytes(static_cast<double>(layer.expertBytes)), hardware(hardware) {
  double all = 0;
  for (double chance : load.rows)
    all += chance;
  if (all <= 0) {
    const double rows =
        load.active > 0
            ? std::max(1.0,
                       batch * static_cast<double>(layer.topK) / load.active)
            : 1.0;
    classes.push_back({1, expertHostUs(layer, rows, hardware), rows});
    return;
  }
  for (size_t i = 0; i < load.rows.size(); ++i)
    if (load.rows[i] > 0) {
      const auto rows = static_cast<double>(std::max<size_t>(i, 1));
      classes.push_back(
          {load.rows[i] / all, expertHostUs(layer, rows, hardware), rows});
    }
}

double HostExperts::at(double share, double Class::*what) const {
  double sum = 0, left = std::clamp(share, 0.0, 1.0);
  for (const Class &one : classes) {
    const double part = std::min(left, one.chance);
    sum += part * one.*what;
    left -= part;
    if (left <= 0)
      break;
  }
  return sum;
}

double HostExperts::eachUs(double share) const {
  return share > 0 ? us(share) / share : classes.front().us;
}

double HostExperts::balancedShare(double copyUs) const {
  // More on the CPU means less on the bus.
  constexpr int kHalvings = 40;
  double least = 0, most = 1;
  for (int i = 0; i < kHalvings; ++i) {
    const double share = (least + most) / 2, host = eachUs(share);
    const HostRates alone{bytes / copyUs / 1e3, bytes / host / 1e3};
    const HostRates both = hardware.together(alone);
    const double hostEnd = share * host * alone.experts / both.experts;
    const double busEnd = (1 - share) * copyUs * alone.bus / both.bus;
    (hostEnd < busEnd ? least : most) = share;
  }
  return (least + most) / 2;
}

} // namespace sluice
