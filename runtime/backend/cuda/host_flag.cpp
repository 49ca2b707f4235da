//===- host_flag.cpp - A count that streams wait for ----------------------===//

#include "runtime/backend/cuda/host_flag.h"

#include <cuda.h>
#include <cudaTypedefs.h>
#include <new>

namespace sluice::cuda {

HostFlag::~HostFlag() {
  if (pinned)
    (void)cudaFreeHost(pinned);
}

void HostFlag::open() {
  // The runtime has no such call, and only the driver's loader may link the
  // driver: a machine without a GPU has none.
  constexpr unsigned kSince = 12000;
  void *function = nullptr, *memory = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  if (cudaGetDriverEntryPointByVersion("cuStreamWaitValue32", &function, kSince,
                                       cudaEnableDefault,
                                       &found) != cudaSuccess ||
      found != cudaDriverEntryPointSuccess ||
      cudaHostAlloc(&memory, sizeof(std::atomic<uint32_t>),
                    cudaHostAllocDefault) != cudaSuccess) {
    (void)cudaGetLastError();
    return;
  }
  static_assert(std::atomic<uint32_t>::is_always_lock_free);
  pinned = new (memory) std::atomic<uint32_t>(0);
  waitValue = reinterpret_cast<void (*)()>(function);
}

cudaError_t HostFlag::wait(cudaStream_t stream, uint32_t value) const {
  // Memory that CUDA allocates has one address for both.
  const CUresult code = reinterpret_cast<PFN_cuStreamWaitValue32_v11070>(
      waitValue)(stream, reinterpret_cast<CUdeviceptr>(pinned), value,
                 CU_STREAM_WAIT_VALUE_GEQ);
  // The numbers of both interfaces' errors are the same.
  return static_cast<cudaError_t>(code);
}

} // namespace sluice::cuda
