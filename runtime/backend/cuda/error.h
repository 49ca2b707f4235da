//===- error.h - CUDA's codes as Status -------------------------*- C++ -*-===//
//
// The one place where CUDA and cuBLAS codes become errors of Sluice.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

namespace sluice::cuda {

/// Success, or Device (OutOfMemory for cudaErrorMemoryAllocation) with "WHAT:
/// CUDA's own words". Clears the thread's last error.
Status toStatus(cudaError_t code, std::string_view what);
Status toStatus(cublasStatus_t code, std::string_view what);

} // namespace sluice::cuda
