//===- add_norm_route_tensor.cpp - A router whose product is a library's --===//
//
// One part after the other: where the matrix units are worth it there are many
// rows, each part fills the device alone, and the product keeps the bits that
// it has in a launch of its own.
//
//===----------------------------------------------------------------------===//

#include "kernels/add_norm_route.h"
#include "kernels/cuda/launch.h"

namespace sluice::cuda {

cudaError_t addNormRouteTensor(const KernelArgs &args, int64_t rows,
                               const CudaContext &context) {
  const AddNormRouteParts parts = partsOfAddNormRoute(args);
  if (cudaError_t error = addRmsNorm(parts.norm, rows, context);
      error != cudaSuccess)
    return error;
  if (cudaError_t error = linearTensor(parts.linear, rows, context);
      error != cudaSuccess)
    return error;
  return route(parts.route, rows, context);
}

} // namespace sluice::cuda
