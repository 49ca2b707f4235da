//===- small_copy.cu - Copies that do not wait for the bus ----------------===//

#include "runtime/backend/cuda/small_copy.h"

#include "kernels/cuda/device.cuh"

#include <cstring>

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

template <unsigned Bytes> struct Payload {
  unsigned char bytes[Bytes];
};

template <unsigned Bytes>
__global__ void inlineCopyKernel(unsigned char *target,
                                 const __grid_constant__ Payload<Bytes> payload,
                                 unsigned count) {
  beginInTurn();
  for (unsigned i = threadIdx.x; i < count; i += kThreads)
    target[i] = payload.bytes[i];
}

template <unsigned Bytes>
cudaError_t launchInline(const CudaContext &context, void *target,
                         const void *source, uint64_t bytes) {
  Payload<Bytes> payload;
  std::memcpy(payload.bytes, source, bytes);
  return enqueue(context, inlineCopyKernel<Bytes>, 1, kThreads, 0,
                 static_cast<unsigned char *>(target), payload,
                 static_cast<unsigned>(bytes));
}

} // namespace

cudaError_t inlineCopy(const CudaContext &context, void *target,
                       const void *source, uint64_t bytes) {
  // Most tables are short, and so are their launches then.
  constexpr unsigned kShort = 128;
  if (bytes <= kShort)
    return launchInline<kShort>(context, target, source, bytes);
  return launchInline<kInlineBytes>(context, target, source, bytes);
}

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
