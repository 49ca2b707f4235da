//===- small_copy.cu - Copies that do not wait for the bus ----------------===//

#include "runtime/backend/cuda/small_copy.h"

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

constexpr unsigned kThreads = 256;

template <typename Word>
__global__ void copyKernel(Word *target, const Word *source, unsigned count) {
  beginInTurn();
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  if (i < count)
    target[i] = source[i];
}

template <typename Word>
cudaError_t launch(const CudaContext &context, void *target, const void *source,
                   uint64_t bytes) {
  const auto count = static_cast<unsigned>(bytes / sizeof(Word));
  return enqueue(context, copyKernel<Word>, (count + kThreads - 1) / kThreads,
                 kThreads, 0, static_cast<Word *>(target),
                 static_cast<const Word *>(source), count);
}

} // namespace

cudaError_t smallCopy(const CudaContext &context, void *target,
                      const void *source, uint64_t bytes) {
  // The widest word that all three are multiples of.
  const uint64_t together = reinterpret_cast<uintptr_t>(target) |
                            reinterpret_cast<uintptr_t>(source) | bytes;
  if (together % sizeof(uint4) == 0)
    return launch<uint4>(context, target, source, bytes);
  if (together % sizeof(unsigned) == 0)
    return launch<unsigned>(context, target, source, bytes);
  return launch<unsigned char>(context, target, source, bytes);
}

} // namespace sluice::cuda
