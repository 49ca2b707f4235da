//===- error.cpp - CUDA's codes as Status ---------------------------------===//

#include "runtime/backend/cuda/error.h"

namespace sluice::cuda {

Status toStatus(cudaError_t code, std::string_view what) {
  if (code == cudaSuccess)
    return Status::ok();
  // What is not sticky must not surface again at the next launch.
  (void)cudaGetLastError();
  ErrorCode kind = code == cudaErrorMemoryAllocation ? ErrorCode::OutOfMemory
                                                     : ErrorCode::Device;
  return Status(kind, std::string(what) + ": " + cudaGetErrorString(code) +
                          " (" + cudaGetErrorName(code) + ")");
}

Status toStatus(cublasStatus_t code, std::string_view what) {
  if (code == CUBLAS_STATUS_SUCCESS)
    return Status::ok();
  return Status(ErrorCode::Device, std::string(what) + ": " +
                                       cublasLtGetStatusString(code) + " (" +
                                       cublasLtGetStatusName(code) + ")");
}

} // namespace sluice::cuda
