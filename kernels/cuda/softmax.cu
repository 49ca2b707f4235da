//===- softmax.cu - Softmax of each row -----------------------------------===//

#include "kernels/cuda/select.cuh"

namespace sluice::cuda {
namespace {

// One warp a row.
__global__ void softmaxKernel(const float *in, float *out, int64_t width,
                              int64_t rows) {
  int64_t row =
      int64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (row >= rows)
    return;
  const float *x = in + row * width;
  float *y = out + row * width;
  RowSoftmax softmax = warpSoftmax(x, width);
  for (int64_t i = laneId(); i < width; i += kWarp)
    y[i] = softmax(x[i]);
}

} // namespace

cudaError_t softmax(const KernelArgs &args, int64_t rows,
                    const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  constexpr int kThreads = 128;
  softmaxKernel<<<gridFor(rows, kThreads / kWarp), kThreads, 0,
                  context.stream>>>(operand<const float>(args, 0),
                                    operand<float>(args, 1), args.dim[0], rows);
  return cudaGetLastError();
}

} // namespace sluice::cuda
