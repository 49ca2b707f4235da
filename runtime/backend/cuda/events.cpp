//===- events.cpp - Events of CUDA and of reports -------------------------===//

#include "runtime/backend/cuda/events.h"
#include "runtime/backend/cuda/error.h"

#include <chrono>
#include <thread>

namespace sluice::cuda {
namespace {

/// How long waitOnHost polls, which sees the end of work sooner than a wait of
/// CUDA's.
constexpr std::chrono::microseconds kSpin{200};

constexpr const char *kRunning = "backend cuda: running enqueued work";

/// Whether `code` of a query says that the work is done.
Result<bool> isDone(cudaError_t code) {
  if (code == cudaErrorNotReady) {
    // No error, but CUDA may keep it as the last one.
    (void)cudaGetLastError();
    return false;
  }
  SLUICE_RETURN_IF_ERROR(toStatus(code, kRunning));
  return true;
}

} // namespace

Status Events::reserve(uint32_t count) {
  events.reserve(count);
  while (events.size() < count) {
    cudaEvent_t event;
    SLUICE_RETURN_IF_ERROR(
        toStatus(cudaEventCreateWithFlags(&event, cudaEventDisableTiming),
                 "backend cuda: making an event"));
    events.push_back(event);
  }
  reports.reserve(count);
  return Status::ok();
}

void Events::clear() {
  for (cudaEvent_t event : events)
    (void)cudaEventDestroy(event);
  events.clear();
}

Status Events::check(uint32_t event) const {
  if (event < events.size())
    return Status::ok();
  return Status(ErrorCode::InvalidArgument,
                "backend cuda: event " + std::to_string(event) +
                    ", expected one below the " +
                    std::to_string(events.size()) + " reserved");
}

Status Events::record(uint32_t event, cudaStream_t stream, Graphs &graphs) {
  const bool captured = graphs.isCapturing(stream);
  // As a node of the graph: else the event would be a part of its order alone.
  SLUICE_RETURN_IF_ERROR(
      toStatus(cudaEventRecordWithFlags(events[event], stream,
                                        captured ? cudaEventRecordExternal
                                                 : cudaEventRecordDefault),
               "backend cuda: recording an event"));
  if (captured)
    graphs.note({event, false});
  else
    reports.forget(event);
  return Status::ok();
}

cudaError_t Events::report(uint32_t event, const CudaContext &context,
                           std::span<const ReportPart> parts, Graphs &graphs) {
  const cudaError_t code = reports.enqueue(context, parts, event);
  if (code != cudaSuccess)
    return code;
  if (graphs.isCapturing(context.stream))
    graphs.note({event, true});
  else
    reports.expect(event, context.stream);
  return cudaSuccess;
}

void Events::launched(std::span<const Graphs::Event> recorded,
                      cudaStream_t stream) {
  for (const Graphs::Event &one : recorded)
    if (one.isReport)
      reports.expect(one.event, stream);
    else
      reports.forget(one.event);
}

Status Events::wait(uint32_t event, cudaStream_t stream) const {
  return toStatus(reports.isLatest(event)
                      ? reports.wait(stream, event)
                      : cudaStreamWaitEvent(stream, events[event], 0),
                  "backend cuda: waiting for an event");
}

Result<bool> Events::query(uint32_t event) {
  return reports.isLatest(event) ? queryReport(event)
                                 : isDone(cudaEventQuery(events[event]));
}

Result<bool> Events::queryReport(uint32_t event) {
  // To ask CUDA takes longer than to look, and only work that fails makes it
  // necessary: its report never comes.
  constexpr unsigned kLooks = 256;
  if (reports.hasCome(event))
    return true;
  if (++unanswered % kLooks != 0)
    return false;
  SLUICE_ASSIGN_OR_RETURN(const bool done,
                          isDone(cudaStreamQuery(reports.streamOf(event))));
  if (!done || reports.hasCome(event))
    return done;
  return Status(ErrorCode::Internal,
                "backend cuda: event " + std::to_string(event) +
                    " was not reported by work that is done");
}

Status Events::waitOnHost(uint32_t event) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + kSpin;
  for (;;) {
    SLUICE_ASSIGN_OR_RETURN(const bool done, query(event));
    if (done)
      return Status::ok();
    if (Clock::now() < end)
      continue;
    if (!reports.isLatest(event))
      return toStatus(cudaEventSynchronize(events[event]), kRunning);
    std::this_thread::yield();
  }
}

} // namespace sluice::cuda
