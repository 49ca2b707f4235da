//===- add_norm_route_tensor.cpp - A router whose product is a library's --===//
//
// One part after the other: where the matrix units are worth it there are many
// rows, each part fills the device alone, and the product keeps the bits that
// it has in a launch of its own.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/add_norm_route.h"

#include "kernels/add_norm_route.h"

namespace sluice::cuda {

cudaError_t launchAddNormRouteParts(const KernelArgs &args, int64_t rows,
                                    const CudaContext &context,
                                    CudaKernel product) {
  const AddNormRouteParts parts = partsOfAddNormRoute(args);
  if (cudaError_t error = addRmsNorm(parts.norm, rows, context);
      error != cudaSuccess)
    return error;
  if (cudaError_t error = product(parts.linear, rows, context);
      error != cudaSuccess)
    return error;
  return route(parts.route, rows, context);
}

cudaError_t addNormRouteTensor(const KernelArgs &args, int64_t rows,
                               const CudaContext &context) {
  return launchAddNormRouteParts(args, rows, context, linearTensor);
}

} // namespace sluice::cuda
