//===- architecture.cu - What the kernels were compiled for ---------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

__global__ void probeKernel() {}

} // namespace

int kernelArchitecture() {
  cudaFuncAttributes attributes;
  if (cudaFuncGetAttributes(&attributes, probeKernel) == cudaSuccess)
    return attributes.ptxVersion;
  (void)cudaGetLastError(); // must not surface at a launch
  return 0;
}

} // namespace sluice::cuda
