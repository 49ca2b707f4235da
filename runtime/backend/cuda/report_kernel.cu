//===- report_kernel.cu - Copies and a count in one kernel ----------------===//

#include "runtime/backend/cuda/report_kernel.h"

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

constexpr unsigned kThreads = 256;

template <typename Word> struct Parts {
  Word *target[kReportParts];
  const Word *source[kReportParts];
  unsigned words[kReportParts]; ///< 0: no such part.
};

// One block, so that its barrier says when everything is written. The fence
// makes that of all its threads come before the count for the host too.
template <typename Word>
__global__ void __launch_bounds__(kThreads)
    reportKernel(const __grid_constant__ Parts<Word> parts, uint32_t *onDevice,
                 uint32_t *pinned) {
  beginInTurn();
#pragma unroll
  for (size_t part = 0; part < kReportParts; ++part)
    for (unsigned i = threadIdx.x; i < parts.words[part]; i += kThreads)
      parts.target[part][i] = parts.source[part][i];
  __syncthreads();
  if (threadIdx.x != 0)
    return;
  const uint32_t count = *onDevice + 1;
  *onDevice = count;
  __threadfence_system();
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(pinned), "r"(count)
               : "memory");
}

template <typename Word>
cudaError_t launch(const CudaContext &context, const ReportCopies &copies,
                   uint32_t *onDevice, uint32_t *pinned) {
  Parts<Word> parts;
  for (size_t i = 0; i < kReportParts; ++i) {
    parts.target[i] = static_cast<Word *>(copies.target[i]);
    parts.source[i] = static_cast<const Word *>(copies.source[i]);
    parts.words[i] = static_cast<unsigned>(copies.bytes[i] / sizeof(Word));
  }
  return enqueue(context, reportKernel<Word>, 1, kThreads, 0, parts, onDevice,
                 pinned);
}

} // namespace

cudaError_t launchReport(const CudaContext &context, const ReportCopies &copies,
                         uint32_t *onDevice, uint32_t *pinned) {
  // The widest word that all addresses and sizes are multiples of.
  uint64_t together = 0;
  for (size_t i = 0; i < kReportParts; ++i)
    together |= reinterpret_cast<uintptr_t>(copies.target[i]) |
                reinterpret_cast<uintptr_t>(copies.source[i]) | copies.bytes[i];
  if (together % sizeof(uint4) == 0)
    return launch<uint4>(context, copies, onDevice, pinned);
  if (together % sizeof(unsigned) == 0)
    return launch<unsigned>(context, copies, onDevice, pinned);
  return launch<unsigned char>(context, copies, onDevice, pinned);
}

} // namespace sluice::cuda
