//===- load_progress.h - How far loading is ---------------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

namespace sluice {

/// Counts bytes from any thread and tells the caller now and then: one report
/// at a time, never less than before, and one with done == total when all is
/// done.
class LoadProgress {
public:
  using Report = std::function<void(uint64_t done, uint64_t total)>;

  /// `done` of the `total` bytes were counted by an earlier part of the load.
  /// `report` may be empty; it is kept by reference.
  LoadProgress(const Report &report, uint64_t done, uint64_t total)
      : report(report), total(total), done(done), told(done) {}

  void add(uint64_t bytes) {
    if (!report || bytes == 0)
      return;
    std::lock_guard lock(mutex);
    done += bytes;
    if (done != total && done - told < kStep)
      return;
    told = done;
    report(done, total);
  }

private:
  /// Small tensors are not worth a report each.
  static constexpr uint64_t kStep = uint64_t{16} << 20;

  const Report &report;
  const uint64_t total;
  std::mutex mutex;
  uint64_t done, told;
};

} // namespace sluice
