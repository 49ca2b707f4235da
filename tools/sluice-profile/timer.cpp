//===- timer.cpp - How long enqueued work takes ---------------------------===//

#include "tools/sluice-profile/timer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace sluice::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRounds = 5;
/// Launches that one graph holds.
constexpr uint64_t kGraphLaunches = 32;

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

} // namespace

Result<double> Timer::rounds(const std::function<Status(uint64_t)> &call,
                             bool synchronize) {
  uint64_t next = 0;
  auto run = [&](uint64_t count) -> Result<double> {
    const auto start = Clock::now();
    for (uint64_t i = 0; i < count; ++i)
      SLUICE_RETURN_IF_ERROR(call(next++));
    if (synchronize)
      SLUICE_RETURN_IF_ERROR(backend.synchronize());
    return microseconds(Clock::now() - start);
  };
  SLUICE_RETURN_IF_ERROR(backend.synchronize());
  // The first call loads code and wakes clocks; the next ones say how many fit.
  SLUICE_ASSIGN_OR_RETURN([[maybe_unused]] double cold, run(1));
  SLUICE_ASSIGN_OR_RETURN(double warm, run(3));
  const double roundUs = budgetMs * 1000 / kRounds;
  const auto count = static_cast<uint64_t>(
      std::clamp(roundUs / std::max(warm / 3, 0.5), 1.0, 5000.0));
  std::array<double, kRounds> found;
  for (double &us : found) {
    SLUICE_ASSIGN_OR_RETURN(double total, run(count));
    us = total / static_cast<double>(count);
  }
  std::sort(found.begin(), found.end());
  return found[kRounds / 2];
}

Result<double> Timer::each(const std::function<Status(uint64_t)> &enqueue) {
  return rounds(enqueue, true);
}

Result<double> Timer::blocking(const std::function<Status(uint64_t)> &call) {
  return rounds(call, false);
}

Result<double> Timer::launches(const std::function<Status(uint64_t)> &launch) {
  if (!backend.hasGraphs())
    return each(launch);
  // Libraries choose on first use, which may not be recorded.
  for (uint64_t i = 0; i < 2; ++i)
    SLUICE_RETURN_IF_ERROR(launch(i));
  SLUICE_RETURN_IF_ERROR(backend.synchronize());
  SLUICE_RETURN_IF_ERROR(backend.beginGraph(StreamKind::Compute));
  Status recorded = Status::ok();
  for (uint64_t i = 0; i < kGraphLaunches && recorded; ++i)
    recorded = launch(i);
  auto graph = backend.endGraph(StreamKind::Compute);
  SLUICE_RETURN_IF_ERROR(std::move(recorded));
  if (!graph)
    return graph.takeStatus();
  SLUICE_ASSIGN_OR_RETURN(double us, each([&](uint64_t) {
                            return backend.launchGraph(StreamKind::Compute,
                                                       *graph);
                          }));
  return us / static_cast<double>(kGraphLaunches);
}

} // namespace sluice::tools
