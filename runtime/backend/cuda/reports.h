//===- reports.h - Results that the host waits for --------------*- C++ -*-===//
//
// A layer's ids are a few bytes that the driving thread waits for. As copies
// and an event they cost the device a kernel each and, behind a graph, some
// microseconds until CUDA says that the event is reached. Here one kernel
// writes them to pinned memory and then a count, at which the host looks.
//
// Every event has a count on the device, which the kernel raises, so that a
// graph can be launched again and again, and one in pinned memory, to which it
// is written. The host knows how many reports it has enqueued.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/registry.h"
#include "runtime/backend/backend.h"

#include <cstdint>
#include <cuda_runtime.h>
#include <span>
#include <vector>

namespace sluice::cuda {

class Reports {
public:
  Reports() = default;
  /// Nothing may be enqueued any more. The device's context must still live.
  ~Reports();
  Reports(const Reports &) = delete;
  Reports &operator=(const Reports &) = delete;

  /// Makes room for the events 0 .. count-1 on the current device; those that
  /// are there keep their counts and places. Where it fails there is room for
  /// fewer, and CUDA knows of no error.
  void reserve(uint32_t count);
  bool canReport(uint32_t event) const { return event < states.size(); }

  /// Enqueues, or records in a capture, the kernel that copies `parts`, at most
  /// kReportParts of kReportBytes together, to host memory that kernels reach,
  /// and then raises the count of `event`.
  cudaError_t enqueue(const CudaContext &context,
                      std::span<const ReportPart> parts, uint32_t event);

  /// One more report of the event is on its way on `stream`.
  void expect(uint32_t event, cudaStream_t stream);
  /// The event was recorded otherwise.
  void forget(uint32_t event) {
    if (canReport(event))
      states[event].isLatest = false;
  }
  /// Whether the event's latest record is a report.
  bool isLatest(uint32_t event) const {
    return canReport(event) && states[event].isLatest;
  }
  /// Whether the latest report of the event has come. What it copied is
  /// visible then.
  bool hasCome(uint32_t event) const;
  /// What follows on `stream` starts when it has.
  cudaError_t wait(cudaStream_t stream, uint32_t event) const;
  /// Where the latest report of the event was enqueued.
  cudaStream_t streamOf(uint32_t event) const { return states[event].stream; }

private:
  /// Events of one allocation: places must stay, recorded graphs hold them.
  static constexpr uint32_t kBlock = 256;
  struct Block {
    uint32_t *onDevice = nullptr;
    uint32_t *pinned = nullptr;
  };
  struct State {
    cudaStream_t stream = nullptr;
    uint32_t enqueued = 0; ///< Reports so far; wraps as the counts do.
    bool isLatest = false;
  };

  uint32_t *pinnedOf(uint32_t event) const {
    return blocks[event / kBlock].pinned + event % kBlock;
  }
  uint32_t *onDeviceOf(uint32_t event) const {
    return blocks[event / kBlock].onDevice + event % kBlock;
  }

  std::vector<Block> blocks;
  std::vector<State> states;
};

} // namespace sluice::cuda
