//===- spans.cpp - What ran when on the GPU -------------------------------===//

#include "runtime/backend/cuda/spans.h"

namespace sluice::cuda {
namespace {

/// Spans that gather before their events are read, so that a long trace does
/// not need an event for each.
constexpr size_t kMaxPending = 32768;
/// A float of this many milliseconds is exact to a tenth of a microsecond.
constexpr float kAnchorReachMs = 1000;

#define SLUICE_RETURN_IF_CUDA_ERROR(expr)                                      \
  do {                                                                         \
    if (cudaError_t cudaCode = (expr); cudaCode != cudaSuccess)                \
      return cudaCode;                                                         \
  } while (false)

} // namespace

Spans::~Spans() {
  for (const Pending &piece : pending) {
    (void)cudaEventDestroy(piece.start);
    (void)cudaEventDestroy(piece.end);
  }
  for (cudaEvent_t event : unused)
    (void)cudaEventDestroy(event);
  for (const Anchor &anchor : anchors)
    if (anchor.event && anchor.event != origin)
      (void)cudaEventDestroy(anchor.event);
  if (origin)
    (void)cudaEventDestroy(origin);
}

cudaError_t Spans::begin(const TraceClock &clock, cudaStream_t stream) {
  for (Anchor &anchor : anchors) {
    if (anchor.event && anchor.event != origin)
      unused.push_back(anchor.event);
    anchor.event = nullptr;
  }
  if (!origin)
    SLUICE_RETURN_IF_CUDA_ERROR(takeEvent(origin));
  // The event lies between two readings of the clock: the closest pair of a few
  // tries says best where. Each try makes a point that later ones replace.
  constexpr int kTries = 10;
  cudaEvent_t tried = nullptr;
  SLUICE_RETURN_IF_CUDA_ERROR(takeEvent(tried));
  double best = 1e30, originUs = 0;
  cudaError_t code = cudaSuccess;
  for (int i = 0; i < kTries && code == cudaSuccess; ++i) {
    double before = clock.now();
    code = cudaEventRecord(tried, stream);
    if (code == cudaSuccess)
      code = cudaEventSynchronize(tried);
    double after = clock.now();
    if (after - before < best) {
      best = after - before;
      originUs = (before + after) / 2;
      std::swap(tried, origin);
    }
  }
  unused.push_back(tried);
  for (Anchor &anchor : anchors)
    anchor = {origin, originUs};
  return code;
}

cudaError_t Spans::takeEvent(cudaEvent_t &event) {
  if (unused.empty())
    return cudaEventCreate(&event);
  event = unused.back();
  unused.pop_back();
  return cudaSuccess;
}

cudaError_t Spans::open(const TraceLabel &label, StreamKind kind,
                        cudaStream_t stream, uint64_t bytes) {
  if (pending.size() >= kMaxPending)
    SLUICE_RETURN_IF_CUDA_ERROR(convert());
  Pending piece{{label, kind, 0, 0, bytes}, nullptr, nullptr};
  SLUICE_RETURN_IF_CUDA_ERROR(takeEvent(piece.start));
  if (cudaError_t code = takeEvent(piece.end); code != cudaSuccess) {
    unused.push_back(piece.start);
    return code;
  }
  pending.push_back(piece);
  return cudaEventRecord(piece.start, stream);
}

cudaError_t Spans::close(cudaStream_t stream) {
  return cudaEventRecord(pending.back().end, stream);
}

cudaError_t Spans::timeOf(StreamKind kind, cudaEvent_t event, double &us) {
  const Anchor &anchor = anchors[static_cast<int>(kind)];
  float ms = 0;
  SLUICE_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&ms, anchor.event, event));
  us = anchor.us + static_cast<double>(ms) * 1000;
  return cudaSuccess;
}

cudaError_t Spans::convert() {
  cudaError_t code = cudaSuccess;
  for (Pending &piece : pending) {
    TraceSpan &span = piece.span;
    if (code == cudaSuccess)
      code = cudaEventSynchronize(piece.end);
    if (code == cudaSuccess)
      code = timeOf(span.stream, piece.start, span.startUs);
    if (code == cudaSuccess)
      code = timeOf(span.stream, piece.end, span.endUs);
    if (code == cudaSuccess)
      converted.push_back(span);
    unused.push_back(piece.start);
    Anchor &anchor = anchors[static_cast<int>(span.stream)];
    if (code == cudaSuccess &&
        span.endUs - anchor.us > kAnchorReachMs * 1000.0) {
      if (anchor.event != origin)
        unused.push_back(anchor.event);
      anchor = {piece.end, span.endUs};
    } else {
      unused.push_back(piece.end);
    }
  }
  pending.clear();
  return code;
}

cudaError_t Spans::end(std::vector<TraceSpan> &spans) {
  cudaError_t code = convert();
  spans.insert(spans.end(), converted.begin(), converted.end());
  converted.clear();
  return code;
}

} // namespace sluice::cuda
