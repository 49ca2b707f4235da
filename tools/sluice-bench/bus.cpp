//===- bus.cpp - What the bus can do, and how long it stood idle ----------===//

#include "tools/sluice-bench/bus.h"

#include "runtime/executor/bubbles.h"
#include "tools/support/trace_json.h"

#include <algorithm>

namespace sluice::tools {
namespace {

constexpr uint64_t kPlaces = 8;
constexpr int kCopies = 64, kRounds = 5;

} // namespace

Result<double> measureBus(Backend &backend, const plan::fb::Plan &plan) {
  if (!plan.expert_pools() || plan.expert_pools()->size() == 0)
    return 0.0;
  const uint64_t bytes = plan.expert_pools()->Get(0)->slot_bytes();
  SLUICE_ASSIGN_OR_RETURN(Allocation host,
                          backend.allocate(MemoryKind::Host, kPlaces * bytes));
  SLUICE_ASSIGN_OR_RETURN(
      Allocation device, backend.allocate(MemoryKind::Device, kPlaces * bytes));
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    SLUICE_RETURN_IF_ERROR(backend.synchronize());
    const double start = backend.clockUs();
    for (int copy = 0; copy < kCopies; ++copy)
      SLUICE_RETURN_IF_ERROR(backend.copy(
          StreamKind::Demand, device.data() + copy % kPlaces * bytes,
          MemoryKind::Device, host.data() + copy % kPlaces * bytes,
          MemoryKind::Host, bytes));
    SLUICE_RETURN_IF_ERROR(backend.synchronize());
    best = std::max(best, static_cast<double>(kCopies * bytes) /
                              (backend.clockUs() - start) / 1000);
  }
  return best;
}

Status BusyTest::repeat(Backend &backend, Bench &bench, const Test &test,
                        const std::string &path) {
  SLUICE_RETURN_IF_ERROR(backend.startTrace());
  SLUICE_RETURN_IF_ERROR(bench.repeat(test));
  SLUICE_ASSIGN_OR_RETURN(std::vector<TraceSpan> spans, backend.takeTrace());
  if (!path.empty())
    SLUICE_RETURN_IF_ERROR(
        writeTrace(path, spans, "sluice-bench " + test.name()));
  // Spans are sorted by their starts.
  auto add = [](Busy &busy, double &until, const TraceSpan &span) {
    busy.us += std::max(0.0, span.endUs - std::max(until, span.startUs));
    busy.bytes += span.bytes;
    until = std::max(until, span.endUs);
  };
  double begin = 1e300, end = 0, busUntil = 0, hostUntil = 0;
  for (const TraceSpan &span : spans) {
    begin = std::min(begin, span.startUs);
    end = std::max(end, span.endUs);
    if (span.bytes == 0)
      continue;
    if (span.stream == kHostTrack)
      add(host, hostUntil, span);
    else if (span.stream == StreamKind::Demand ||
             span.stream == StreamKind::Prefetch)
      add(bus, busUntil, span);
  }
  us += std::max(0.0, end - begin);
  if (const std::optional<double> share = sluice::bubbleShare(spans)) {
    bubbles += *share;
    ++traces;
  }
  return Status::ok();
}

} // namespace sluice::tools
