//===- linear_group_tensor.cpp - A group's products by cuBLASLt -----------===//
//
// One after the other: where the matrix units are worth it a product fills the
// device alone, and each keeps the algorithm, and so the bits, that it has in a
// launch of its own.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/launch.h"
#include "kernels/linear_group.h"

namespace sluice::cuda {

cudaError_t linearGroupTensor(const KernelArgs &args, int64_t rows,
                              const CudaContext &context) {
  for (int m = 0, count = groupMatrices(args); m < count; ++m)
    if (cudaError_t error = linearTensor(linearOfGroup(args, m), rows, context);
        error != cudaSuccess)
      return error;
  return cudaSuccess;
}

} // namespace sluice::cuda
