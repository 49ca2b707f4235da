//===- report_kernel.h - Copies and a count in one kernel -------*- C++ -*-===//
#pragma once

#include "kernels/cuda/registry.h"

#include <cstddef>
#include <cstdint>
#include <cuda_runtime.h>

namespace sluice::cuda {

constexpr size_t kReportParts = 4;
/// Bytes of all parts together at most: what one block writes over the bus in
/// a microsecond.
constexpr uint64_t kReportBytes = 16 << 10;

/// Copies from device memory to host memory that kernels reach; no bytes: no
/// such part.
struct ReportCopies {
  void *target[kReportParts] = {};
  const void *source[kReportParts] = {};
  uint64_t bytes[kReportParts] = {};
};

/// Enqueues a kernel that copies, raises the count at `onDevice` by one, and
/// then writes it to `pinned`, host memory that kernels reach: who reads it
/// there, with acquire, sees what was copied. In a graph every launch does.
cudaError_t launchReport(const CudaContext &context, const ReportCopies &copies,
                         uint32_t *onDevice, uint32_t *pinned);

} // namespace sluice::cuda
