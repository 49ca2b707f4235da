//===- graphs.h - CUDA graphs by stream capture -----------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>
#include <cuda_runtime_api.h>
#include <vector>

namespace sluice::cuda {

/// The graphs of a backend, by number. At most one capture at a time.
class Graphs {
public:
  Graphs() = default;
  ~Graphs() { clear(); }
  Graphs(const Graphs &) = delete;
  Graphs &operator=(const Graphs &) = delete;

  /// Whether `stream` is captured now.
  bool isCapturing(cudaStream_t stream) const {
    return capturing && capturing == stream;
  }

  Status begin(cudaStream_t stream);
  /// The number of the graph, ready to be launched.
  Result<uint32_t> end(cudaStream_t stream);
  Status check(uint32_t graph) const;
  /// `graph` is one that check accepts.
  cudaError_t launch(cudaStream_t stream, uint32_t graph) {
    return cudaGraphLaunch(graphs[graph], stream);
  }
  /// Ends a capture and destroys all graphs; before their streams go.
  void clear();

private:
  cudaStream_t capturing = nullptr;
  std::vector<cudaGraphExec_t> graphs;
};

} // namespace sluice::cuda
