//===- spans.h - What ran when on the GPU -----------------------*- C++ -*-===//
//
// A timing event before and one after each piece of enqueued work. Their times
// are only read in takeTrace, or when very many have gathered.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/trace.h"

#include <cuda_runtime_api.h>
#include <vector>

namespace sluice::cuda {

class Spans {
public:
  Spans() = default;
  ~Spans();
  Spans(const Spans &) = delete;
  Spans &operator=(const Spans &) = delete;

  /// Ties the GPU's time to that of `clock`; `stream` is idle.
  cudaError_t begin(const TraceClock &clock, cudaStream_t stream);

  /// Around the enqueuing of one piece of work: where open succeeds, close is
  /// called before the next open, whatever happens between.
  cudaError_t open(const TraceLabel &label, StreamKind kind,
                   cudaStream_t stream, uint64_t bytes);
  cudaError_t close(cudaStream_t stream);

  /// Waits for what is measured, appends it, and keeps the events for the next
  /// trace.
  cudaError_t end(std::vector<TraceSpan> &spans);

private:
  struct Pending {
    TraceSpan span;
    cudaEvent_t start, end;
  };

  cudaError_t takeEvent(cudaEvent_t &event);
  cudaError_t convert();
  cudaError_t timeOf(StreamKind kind, cudaEvent_t event, double &us);

  std::vector<cudaEvent_t> unused;
  std::vector<Pending> pending;
  std::vector<TraceSpan> converted;
  /// Points of known time: CUDA gives distances as float milliseconds, which
  /// over a long trace are too coarse, so each stream's point moves along.
  struct Anchor {
    cudaEvent_t event = nullptr;
    double us = 0;
  };
  Anchor anchors[kStreamCount];
  cudaEvent_t origin = nullptr;
};

} // namespace sluice::cuda
