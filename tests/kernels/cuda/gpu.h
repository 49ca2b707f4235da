//===- gpu.h - Random launches on a GPU -------------------------*- C++ -*-===//
#pragma once

#include "kernels/cuda/registry.h"
#include "tests/kernels/cases.h"

namespace sluice::test {

/// Empty when a CUDA device can be used, else one line that says why not.
std::string whyNoGpu();

/// The context in which cases run; why there is none, or empty.
std::string gpuContext(cuda::CudaContext &context);

struct GpuOptions {
  Arithmetic arithmetic = Arithmetic::Portable;
  /// Replaces the device's number of multiprocessors, by which kernels choose
  /// how much work a block does; 0: the device's.
  int multiprocessors = 0;
  /// False: without cuBLASLt, on tiles of our own.
  bool cublas = true;
  /// Bytes by which operands lie beside a multiple of 256 on the device.
  size_t shift = 0;
  /// As on a device before 9.0: no kernel begins early, and none has clusters.
  bool older = false;
  /// Records the launch into a graph and runs that.
  bool graph = false;
};

/// Copies a case's operands to the device, guards included, runs it there and
/// copies everything back: `operands.damage(source)` then speaks of what the
/// device did. Empty on success, else the error in words.
std::string runOnGpu(const Case &source, const GpuOptions &options,
                     Operands &operands);

/// Empty when row `row` of all results of `together` that have a row dim has
/// the bits of `alone`, which is rowCase's only row.
std::string compareRow(const Case &source, const Operands &together,
                       const Operands &alone, int64_t row);

} // namespace sluice::test
