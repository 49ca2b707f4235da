//===- reports.cpp - Results that the host waits for ----------------------===//

#include "runtime/backend/cuda/reports.h"

#include "runtime/backend/cuda/await_count.h"
#include "runtime/backend/cuda/report_kernel.h"

#include <algorithm>
#include <atomic>

namespace sluice::cuda {

Reports::~Reports() {
  for (const Block &block : blocks) {
    (void)cudaFree(block.onDevice);
    (void)cudaFreeHost(block.pinned);
  }
}

void Reports::reserve(uint32_t count) {
  constexpr size_t kBytes = kBlock * sizeof(uint32_t);
  while (blocks.size() * kBlock < count) {
    Block block;
    void *pinned = nullptr, *onDevice = nullptr;
    if (cudaHostAlloc(&pinned, kBytes, cudaHostAllocDefault) != cudaSuccess ||
        cudaMalloc(&onDevice, kBytes) != cudaSuccess ||
        cudaMemset(onDevice, 0, kBytes) != cudaSuccess ||
        cudaDeviceSynchronize() != cudaSuccess) {
      (void)cudaFreeHost(pinned);
      (void)cudaFree(onDevice);
      (void)cudaGetLastError();
      break;
    }
    block.pinned = static_cast<uint32_t *>(pinned);
    block.onDevice = static_cast<uint32_t *>(onDevice);
    std::fill_n(block.pinned, kBlock, 0);
    blocks.push_back(block);
  }
  const size_t most = std::min<size_t>(count, blocks.size() * kBlock);
  states.resize(std::max(states.size(), most));
}

cudaError_t Reports::enqueue(const CudaContext &context,
                             std::span<const ReportPart> parts,
                             uint32_t event) {
  ReportCopies copies;
  for (size_t i = 0; i < parts.size(); ++i) {
    copies.target[i] = parts[i].target;
    copies.source[i] = parts[i].source;
    copies.bytes[i] = parts[i].bytes;
  }
  return launchReport(context, copies, onDeviceOf(event), pinnedOf(event));
}

void Reports::expect(uint32_t event, cudaStream_t stream) {
  State &state = states[event];
  state.stream = stream;
  state.isLatest = true;
  ++state.enqueued;
}

bool Reports::hasCome(uint32_t event) const {
  const uint32_t count = std::atomic_ref<uint32_t>(*pinnedOf(event))
                             .load(std::memory_order_acquire);
  return static_cast<int32_t>(count - states[event].enqueued) >= 0;
}

cudaError_t Reports::wait(cudaStream_t stream, uint32_t event) const {
  // Memory that CUDA allocates has one address for both.
  return awaitCount(stream, pinnedOf(event), states[event].enqueued);
}

} // namespace sluice::cuda
