//===- add_norm_route.h - A fused router by its parts -----------*- C++ -*-===//
#pragma once

#include "kernels/cuda/launch.h"

namespace sluice::cuda {

/// Enqueues the three launches that an add_norm_route stands for, `product` for
/// its matrix: linear or linearTensor.
cudaError_t launchAddNormRouteParts(const KernelArgs &args, int64_t rows,
                                    const CudaContext &context,
                                    CudaKernel product);

} // namespace sluice::cuda
