//===- host_flag.cpp - A count that streams wait for ----------------------===//

#include "runtime/backend/cuda/host_flag.h"

#include "runtime/backend/cuda/await_count.h"

#include <new>

namespace sluice::cuda {

HostFlag::~HostFlag() {
  if (pinned)
    (void)cudaFreeHost(pinned);
}

void HostFlag::open() {
  void *memory = nullptr;
  if (cudaHostAlloc(&memory, sizeof(std::atomic<uint32_t>),
                    cudaHostAllocDefault) != cudaSuccess) {
    (void)cudaGetLastError();
    return;
  }
  static_assert(std::atomic<uint32_t>::is_always_lock_free);
  pinned = new (memory) std::atomic<uint32_t>(0);
}

cudaError_t HostFlag::wait(cudaStream_t stream, uint32_t value) const {
  // Memory that CUDA allocates has one address for both.
  return awaitCount(stream, reinterpret_cast<const uint32_t *>(pinned), value);
}

} // namespace sluice::cuda
