//===- events.h - Events of CUDA and of reports -----------------*- C++ -*-===//
//
// An event is what was recorded last: an event of CUDA, or a report's count.
// Graphs record both; a launch of one does so anew. The device that the events
// were made on must be current in every call.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/cuda/graphs.h"
#include "runtime/backend/cuda/reports.h"

namespace sluice::cuda {

class Events {
public:
  Events() = default;
  Events(const Events &) = delete;
  Events &operator=(const Events &) = delete;

  Status reserve(uint32_t count);
  /// When no work is enqueued any more.
  void clear();
  /// InvalidArgument for an event that was not reserved; the other functions
  /// take those that were.
  Status check(uint32_t event) const;

  /// At the end of what is enqueued on `stream`, or captured there.
  Status record(uint32_t event, cudaStream_t stream, Graphs &graphs);
  bool canReport(uint32_t event) const { return reports.canReport(event); }
  /// What Reports::enqueue says.
  cudaError_t report(uint32_t event, const CudaContext &context,
                     std::span<const ReportPart> parts, Graphs &graphs);
  /// A graph that records these was launched on `stream`.
  void launched(std::span<const Graphs::Event> recorded, cudaStream_t stream);

  Status wait(uint32_t event, cudaStream_t stream) const;
  Result<bool> query(uint32_t event);
  Status waitOnHost(uint32_t event);

private:
  Result<bool> queryReport(uint32_t event);

  std::vector<cudaEvent_t> events;
  Reports reports;
  unsigned unanswered = 0; ///< Queries that found no report.
};

} // namespace sluice::cuda
