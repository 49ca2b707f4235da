//===- disk.cpp - A disk in virtual time ----------------------------------===//

#include "runtime/backend/sim/disk.h"

#include <algorithm>
#include <cmath>

namespace sluice::sim {

double Disk::start(uint64_t bytes, double now, const TraceLabel &label) {
  const double start = std::max(now, free);
  free = start + static_cast<double>(bytes) / (rate * 1e3);
  reads.push_back({label, start, free, bytes});
  return free;
}

void Disk::spans(double from, double to, std::vector<TraceSpan> &into) const {
  for (const Read &read : reads) {
    const double start = std::max(read.start, from);
    const double end = std::min(read.end, to);
    if (start >= end)
      continue;
    const double share = (end - start) / (read.end - read.start);
    into.push_back({read.label, kDiskTrack, start - from, end - from,
                    static_cast<uint64_t>(std::llround(
                        share * static_cast<double>(read.bytes)))});
  }
}

void Disk::forget(double time) {
  while (!reads.empty() && reads.front().end <= time)
    reads.pop_front();
}

} // namespace sluice::sim
