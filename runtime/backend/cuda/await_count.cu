//===- await_count.cu - A stream waits for a count ------------------------===//

#include "runtime/backend/cuda/await_count.h"

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

cudaError_t awaitCount(cudaStream_t stream, const uint32_t *count,
                       uint32_t value) {
  awaitCountKernel<<<1, 1, 0, stream>>>(count, value);
  return cudaGetLastError();
}

} // namespace sluice::cuda
