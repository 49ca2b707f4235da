//===- small_copy.cu - Copies that do not wait for the bus ----------------===//

#include "runtime/backend/cuda/small_copy.h"

namespace sluice::cuda {
namespace {

constexpr unsigned kThreads = 256;

template <typename Word>
__global__ void copyKernel(Word *target, const Word *source, unsigned count) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i < count)
    target[i] = source[i];
}

template <typename Word>
cudaError_t launch(cudaStream_t stream, void *target, const void *source,
                   uint64_t bytes) {
  const auto count = static_cast<unsigned>(bytes / sizeof(Word));
  copyKernel<<<(count + kThreads - 1) / kThreads, kThreads, 0, stream>>>(
      static_cast<Word *>(target), static_cast<const Word *>(source), count);
  return cudaGetLastError();
}

} // namespace

cudaError_t smallCopy(cudaStream_t stream, void *target, const void *source,
                      uint64_t bytes) {
  // The widest word that all three are multiples of.
  const uint64_t together = reinterpret_cast<uintptr_t>(target) |
                            reinterpret_cast<uintptr_t>(source) | bytes;
  if (together % sizeof(uint4) == 0)
    return launch<uint4>(stream, target, source, bytes);
  if (together % sizeof(unsigned) == 0)
    return launch<unsigned>(stream, target, source, bytes);
  return launch<unsigned char>(stream, target, source, bytes);
}

} // namespace sluice::cuda
