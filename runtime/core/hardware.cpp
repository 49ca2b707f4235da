//===- hardware.cpp - Looking up the figures of one machine ---------------===//

#include "runtime/core/hardware.h"

#include "kernels/signatures.h"

#include <algorithm>
#include <array>
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
  HostRates part = shared;
  double all = shared.bus + shared.experts;
  if (all <= 0) {
    double fastest = 0;
    for (const Curve::Point &point : hostToDevice.points)
      fastest = std::max(fastest, point.y);
    all = std::min(fastest + hostExpert.at(1), hostRead.value);
    part = alone;
  }
  if (alone.bus + alone.experts <= all)
    return alone;
  const double bus = std::clamp(all * part.bus / (part.bus + part.experts),
                                all - alone.experts, alone.bus);
  return {bus, all - bus};
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
