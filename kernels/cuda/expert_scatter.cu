//===- expert_scatter.cu - Expert outputs to their pairs ------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

__global__ void expertScatterKernel(const float *in, const int *index,
                                    float *out, int64_t hidden, int64_t rows,
                                    int64_t wholeRows, int64_t columns) {
  beginInTurn();
  int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  int64_t row = i / hidden, column = i % hidden;
  if (row < rows && (row < wholeRows || column < columns)) {
    const int64_t at = int64_t{index[row]} * hidden + column;
    out[at] = in[at];
  }
}

} // namespace

cudaError_t expertScatter(const KernelArgs &args, int64_t rows,
                          const CudaContext &context) {
  int64_t hidden = args.dim[1], count = rows * hidden;
  if (rows == 0)
    return cudaSuccess;
  return enqueue(context, expertScatterKernel, gridFor(count, 256), 256, 0,
                 operand<const float>(args, 0), operand<const int>(args, 1),
                 operand<float>(args, 2), hidden, rows, rows - args.dim[2],
                 args.dim[3]);
}

} // namespace sluice::cuda
