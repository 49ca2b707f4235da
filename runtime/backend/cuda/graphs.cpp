//===- graphs.cpp - CUDA graphs by stream capture -------------------------===//

#include "runtime/backend/cuda/graphs.h"
#include "runtime/backend/cuda/error.h"
#include "runtime/core/fault.h"

#include <utility>

namespace sluice::cuda {

void Graphs::clear() {
  cudaGraph_t graph = nullptr;
  if (capturing && cudaStreamEndCapture(capturing, &graph) == cudaSuccess)
    (void)cudaGraphDestroy(graph);
  for (const Graph &graph : graphs)
    (void)cudaGraphExecDestroy(graph.executable);
  capturing = nullptr;
  graphs.clear();
}

Status Graphs::begin(cudaStream_t stream) {
  if (capturing)
    return Status(ErrorCode::InvalidArgument,
                  "backend cuda: a graph was begun while one is recorded");
  // Relaxed: the other streams' events may be queried meanwhile, and a kernel's
  // code loaded.
  SLUICE_RETURN_IF_ERROR(toStatus(
      faultHits(Fault::Graph)
          ? cudaErrorStreamCaptureUnsupported
          : cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed),
      "backend cuda: beginning a graph"));
  capturing = stream;
  noted.clear();
  return Status::ok();
}

Result<uint32_t> Graphs::end(cudaStream_t stream) {
  if (!isCapturing(stream))
    return Status(ErrorCode::InvalidArgument,
                  "backend cuda: the end of a graph on a stream, expected its "
                  "beginning there before");
  capturing = nullptr;
  cudaGraph_t graph = nullptr;
  SLUICE_RETURN_IF_ERROR(toStatus(cudaStreamEndCapture(stream, &graph),
                                  "backend cuda: ending a graph"));
  cudaGraphExec_t executable = nullptr;
  cudaError_t code = faultHits(Fault::Graph)
                         ? cudaErrorMemoryAllocation
                         : cudaGraphInstantiate(&executable, graph, 0);
  (void)cudaGraphDestroy(graph);
  if (code == cudaSuccess) {
    graphs.push_back({executable, std::move(noted)});
    // Else the first launch would do it.
    code = cudaGraphUpload(executable, stream);
  }
  SLUICE_RETURN_IF_ERROR(toStatus(code, "backend cuda: preparing a graph"));
  return static_cast<uint32_t>(graphs.size() - 1);
}

Status Graphs::check(uint32_t graph) const {
  if (graph < graphs.size())
    return Status::ok();
  return Status(ErrorCode::InvalidArgument,
                "backend cuda: graph " + std::to_string(graph) +
                    ", expected below " + std::to_string(graphs.size()));
}

} // namespace sluice::cuda
