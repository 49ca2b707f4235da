//===- bubbles.cpp - How long everything waited ---------------------------===//

#include "runtime/executor/bubbles.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice {
namespace {

/// Adds up spans in the order of their starts, overlaps once.
struct Busy {
  double total = 0, end = 0;

  void add(const TraceSpan &span) {
    double start = std::max(span.startUs, end);
    total += std::max(0.0, span.endUs - start);
    end = std::max(end, span.endUs);
  }
};

} // namespace

std::optional<double> bubbleShare(std::span<const TraceSpan> spans) {
  if (spans.empty())
    return std::nullopt;
  enum Engine : size_t { Bus, Compute, Host, Disk, Other };
  std::array<Busy, 5> engines;
  double first = spans.front().startUs, last = first;
  for (const TraceSpan &span : spans) {
    Engine engine = Other;
    if (span.stream == StreamKind::Compute)
      engine = Compute;
    else if (span.stream == kHostTrack)
      engine = Host;
    else if (span.stream == kDiskTrack)
      engine = Disk;
    else if (span.stream != StreamKind::CopyBack && span.bytes > 0)
      engine = Bus;
    engines[engine].add(span);
    last = std::max(last, span.endUs);
  }
  if (last <= first)
    return std::nullopt;
  const double busiest = std::max({engines[Bus].total, engines[Compute].total,
                                   engines[Host].total, engines[Disk].total});
  return 1 - busiest / (last - first);
}

} // namespace sluice
