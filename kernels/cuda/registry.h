//===- registry.h - Finds CUDA kernels --------------------------*- C++ -*-===//
//
// One table from (kernel, arithmetic class) to the function that enqueues it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

namespace sluice::cuda {

/// What a launch needs beside its operands. The caller owns all of it.
struct CudaContext {
  cudaStream_t stream = nullptr;
  /// For tensor linear kernels; null makes them use tiles of our own.
  cublasLtHandle_t blas = nullptr;
  /// Device memory for the library, at a multiple of 256; may be null. No
  /// kernel needs it so far: algorithms without workspace are asked for, since
  /// splitting K, which needs one, would make bits depend on sizes.
  void *workspace = nullptr;
  size_t workspaceBytes = 0;
  int multiprocessors = 1;
  /// kernelArchitecture() of the device, or less to do without what newer ones
  /// have: from 90 on, a kernel may begin before the one in front has ended.
  int architecture = 0;
};

/// The virtual architecture (90 for compute_90) that the kernels which the
/// current device runs were compiled for; 0 where CUDA does not say.
int kernelArchitecture();

/// Enqueues one kernel over `rows` rows on `context.stream` and returns at
/// once: no synchronisation, no allocation on the device, and grid sizes that
/// depend on sizes alone, so that a stream capture may record it. Operands are
/// device pointers in the order of kernels/signatures.h. Any thread may call
/// it. Returns the launch's own error; zero rows do nothing.
using CudaKernel = cudaError_t (*)(const KernelArgs &args, int64_t rows,
                                   const CudaContext &context);

/// Never null for a kernel of the enum; null else. Kernels that have no tensor
/// form give their portable one, and so does, launch by launch, a tensor kernel
/// whose types or sizes the matrix units cannot take.
CudaKernel findCudaKernel(Kernel kernel, Arithmetic arithmetic);

} // namespace sluice::cuda
