//===- host_flag.cu - A count that streams wait for -----------------------===//

#include "runtime/backend/cuda/host_flag.h"

#include <new>

namespace sluice::cuda {
namespace {

/// One thread that reads the count over the bus until it is there. It sees it
/// some microseconds sooner than a wait of the stream itself
/// (cuStreamWaitValue32), and the next kernel begins right behind it.
__global__ void awaitCountKernel(const uint32_t *count, uint32_t value) {
  uint32_t seen;
  do {
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];"
                 : "=r"(seen)
                 : "l"(count)
                 : "memory");
  } while (static_cast<int32_t>(seen - value) < 0);
}

} // namespace

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
  awaitCountKernel<<<1, 1, 0, stream>>>(
      reinterpret_cast<const uint32_t *>(pinned), value);
  return cudaGetLastError();
}

} // namespace sluice::cuda
