//===- launch.h - The launch functions of all CUDA kernels ------*- C++ -*-===//
//
// Each is defined in the .cu file of its mnemonic; registry.cpp lists them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/registry.h"

namespace sluice::cuda {

#define SLUICE_CUDA_KERNEL(function)                                           \
  cudaError_t function(const KernelArgs &args, int64_t rows,                   \
                       const CudaContext &context)

SLUICE_CUDA_KERNEL(embed);
SLUICE_CUDA_KERNEL(linear);
SLUICE_CUDA_KERNEL(linearGroup);
SLUICE_CUDA_KERNEL(rmsNorm);
SLUICE_CUDA_KERNEL(add);
SLUICE_CUDA_KERNEL(addRmsNorm);
SLUICE_CUDA_KERNEL(addNormRoute);
SLUICE_CUDA_KERNEL(rope);
SLUICE_CUDA_KERNEL(kvWrite);
SLUICE_CUDA_KERNEL(qkNormRopeWrite);
SLUICE_CUDA_KERNEL(attention);
SLUICE_CUDA_KERNEL(softmax);
SLUICE_CUDA_KERNEL(topK);
SLUICE_CUDA_KERNEL(route);
SLUICE_CUDA_KERNEL(swiglu);
SLUICE_CUDA_KERNEL(expertDemand);
SLUICE_CUDA_KERNEL(expertGateUp);
SLUICE_CUDA_KERNEL(expertDown);
SLUICE_CUDA_KERNEL(expertCombine);
SLUICE_CUDA_KERNEL(expertScatter);
SLUICE_CUDA_KERNEL(selectRows);

SLUICE_CUDA_KERNEL(linearTensor);
SLUICE_CUDA_KERNEL(linearMma);
SLUICE_CUDA_KERNEL(linearGroupTensor);
SLUICE_CUDA_KERNEL(addNormRouteTensor);
SLUICE_CUDA_KERNEL(attentionTensor);
SLUICE_CUDA_KERNEL(expertGateUpTensor);
SLUICE_CUDA_KERNEL(expertDownTensor);

#undef SLUICE_CUDA_KERNEL

} // namespace sluice::cuda
