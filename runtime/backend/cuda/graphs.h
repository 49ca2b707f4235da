//===- graphs.h - CUDA graphs by stream capture -----------------*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>
#include <cuda_runtime_api.h>
#include <span>
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

  /// An event that a graph records, and how: a launch does so anew.
  struct Event {
    uint32_t event;
    bool isReport;
  };

  Status begin(cudaStream_t stream);
  /// Says that what is captured records the event.
  void note(const Event &event) { noted.push_back(event); }
  /// The number of the graph, ready to be launched.
  Result<uint32_t> end(cudaStream_t stream);
  Status check(uint32_t graph) const;
  /// `graph` is one that check accepts.
  cudaError_t launch(cudaStream_t stream, uint32_t graph) {
    return cudaGraphLaunch(graphs[graph].executable, stream);
  }
  /// What a launch of it records, in order.
  std::span<const Event> events(uint32_t graph) const {
    return graphs[graph].events;
  }
  /// Ends a capture and destroys all graphs; before their streams go.
  void clear();

private:
  struct Graph {
    cudaGraphExec_t executable;
    std::vector<Event> events;
  };

  cudaStream_t capturing = nullptr;
  std::vector<Event> noted; ///< Of the capture.
  std::vector<Graph> graphs;
};

} // namespace sluice::cuda
