//===- hardware.cpp - Looking up the figures of one machine ---------------===//

#include "runtime/core/hardware.h"

#include "kernels/signatures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace sluice {
namespace {

/// Dims that say how large a table or pool is: a launch takes as long with a
/// larger one.
bool saysOnlyRoom(std::string_view dim) {
  constexpr std::array<std::string_view, 7> kRoom = {
      "pages",   "sequences", "pages_per_sequence", "positions", "splits",
      "partial", "slots"};
  return std::ranges::find(kRoom, dim) != kRoom.end();
}

bool sameShape(const Signature &signature, std::span<const int64_t> a,
               std::span<const int64_t> b) {
  if (a.size() != b.size() || a.size() != signature.dims.size())
    return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && !saysOnlyRoom(signature.dims[i]))
      return false;
  return true;
}

/// Linear between points, the first value before them, and after them the
/// slope of the last two (never falling).
double interpolate(const std::map<double, double> &points, double x) {
  auto after = points.lower_bound(x);
  if (after == points.begin())
    return after->second;
  if (after == points.end()) {
    auto last = std::prev(after);
    if (last == points.begin())
      return last->second;
    auto before = std::prev(last);
    double slope =
        (last->second - before->second) / (last->first - before->first);
    return last->second + std::max(slope, 0.0) * (x - last->first);
  }
  auto before = std::prev(after);
  double share = (x - before->first) / (after->first - before->first);
  return before->second + share * (after->second - before->second);
}

/// Microseconds of a copy: a latency and a rate between two points.
double copyUs(const Curve &curve, double bytes) {
  auto time = [](const Curve::Point &point) {
    return point.x / (point.y * 1e3);
  };
  const std::vector<Curve::Point> &points = curve.points;
  if (bytes >= points.back().x)
    return bytes / (points.back().y * 1e3);
  if (points.size() == 1)
    return bytes / (points.front().y * 1e3);
  size_t high = 1;
  while (high + 1 < points.size() && points[high].x < bytes)
    ++high;
  const Curve::Point &a = points[high - 1], &b = points[high];
  double slope = (time(b) - time(a)) / (b.x - a.x);
  double us = time(a) + slope * (bytes - a.x);
  // Before the first point the line may say less than the wire allows.
  double fastest = 0;
  for (const Curve::Point &point : points)
    fastest = std::max(fastest, point.y);
  return std::max(us, bytes / (fastest * 1e3));
}

/// Where nobody measured both at once: what the host's memory gives is shared
/// in proportion to the rates alone.
HostRates withinRead(const Hardware &hardware, HostRates alone) {
  double fastest = 0;
  for (const Curve::Point &point : hardware.hostToDevice.points)
    fastest = std::max(fastest, point.y);
  const double all =
      std::min(fastest + hardware.hostExpert.at(1), hardware.hostRead.value);
  const double part = std::min(1.0, all / (alone.bus + alone.experts));
  return {part * alone.bus, part * alone.experts};
}

/// What was measured of both at once where the experts alone have one rate.
struct AtRate {
  double busPart = 0; ///< Of its rate alone, that the bus keeps.
  double experts = 0; ///< GB/s, no more than alone.
};

/// By the rate of the experts alone. Rows of the same rate there, as on a
/// machine whose memory bounds all of them, give one point with their mean. The
/// experts' rates never fall: where faster ones were seen to read less beside
/// copies, by a little, that is noise.
std::map<double, AtRate> byRateAlone(const Hardware &hardware) {
  std::map<double, AtRate> sums;
  std::map<double, double> counts;
  for (const SharedMemory::Point &point : hardware.shared.points) {
    const double rate = hardware.hostExpert.at(point.rows);
    AtRate &sum = sums[rate];
    sum.busPart += std::min(1.0, point.both.bus / hardware.shared.busAlone);
    sum.experts += std::min(rate, point.both.experts);
    ++counts[rate];
  }
  double slower = 0;
  for (auto &[rate, sum] : sums) {
    sum.busPart /= counts[rate];
    sum.experts = slower = std::max(slower, sum.experts / counts[rate]);
  }
  return sums;
}

} // namespace

double Curve::at(double x) const {
  if (x <= points.front().x)
    return points.front().y;
  for (size_t i = 1; i < points.size(); ++i)
    if (x <= points[i].x) {
      double share = (x - points[i - 1].x) / (points[i].x - points[i - 1].x);
      return points[i - 1].y + share * (points[i].y - points[i - 1].y);
    }
  return points.back().y;
}

double Hardware::hostToDeviceUs(double bytes) const {
  return copyUs(hostToDevice, bytes);
}

double Hardware::deviceToHostUs(double bytes) const {
  return copyUs(deviceToHost, bytes);
}

double Hardware::hostExpertUs(double bytes, double rows) const {
  const double last = hostExpert.points.back().x;
  const double beyond = std::max(1.0, rows / last);
  return beyond * bytes / (hostExpert.at(rows) * 1e3);
}

HostRates Hardware::together(HostRates alone) const {
  if (shared.points.empty())
    return withinRead(*this, alone);
  // By their rate and not by their rows: it is what callers know of a job whose
  // experts serve different numbers of rows.
  const std::map<double, AtRate> measured = byRateAlone(*this);
  const auto after = measured.lower_bound(alone.experts);
  if (after == measured.begin() || after == measured.end()) {
    const auto &[rate, end] =
        after == measured.end() ? *std::prev(after) : *after;
    return {alone.bus * end.busPart, alone.experts * (end.experts / rate)};
  }
  // The experts' rate is linear, and not the part that they keep of it: between
  // two parts that are far apart, faster ones would read less.
  const auto &[low, below] = *std::prev(after);
  const auto &[high, above] = *after;
  const double share = (alone.experts - low) / (high - low);
  return {alone.bus * std::lerp(below.busPart, above.busPart, share),
          std::min(alone.experts, // but for a rounding
                   std::lerp(below.experts, above.experts, share))};
}

double Hardware::hostRoundTripUs() const {
  return roundTripUs.value > 0 ? roundTripUs.value
                               : copyLatencyUs.value + syncUs.value;
}

double Hardware::hostJoinUs() const {
  return joinUs.value > 0 ? joinUs.value : launchUs.value;
}

std::optional<double> Hardware::kernelUs(Kernel kernel, Arithmetic arithmetic,
                                         std::span<const int64_t> dims,
                                         double rows, double context) const {
  const Signature *signature = findSignature(kernel);
  if (!signature)
    return std::nullopt;
  std::map<double, std::map<double, double>> byContext;
  for (const KernelTime &time : kernels)
    if (time.kernel == kernel && time.arithmetic == arithmetic &&
        sameShape(*signature, time.dims, dims))
      byContext[static_cast<double>(time.context)]
               [static_cast<double>(time.rows)] = time.us;
  if (byContext.empty())
    return std::nullopt;
  std::map<double, double> atRows;
  for (const auto &[tokens, points] : byContext)
    atRows[tokens] = interpolate(points, rows);
  return interpolate(atRows, context);
}

std::optional<double> Hardware::expertUs(int64_t hidden, int64_t inner,
                                         uint64_t bytes, double rows) const {
  std::map<double, double> points;
  for (const ExpertTime &time : experts)
    if (time.hidden == hidden && time.inner == inner && time.bytes == bytes)
      points[time.rows] = time.us;
  if (points.empty())
    return std::nullopt;
  return interpolate(points, rows);
}

} // namespace sluice
