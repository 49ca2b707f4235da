//===- copies.cuh - Asynchronous copies to shared memory --------*- C++ -*-===//
//
// Thin names for cp.async: 16 bytes at a time that pass by no register.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {

__device__ inline unsigned sharedAddress(const void *pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

/// 16 bytes to shared memory, zeros where not `valid` (nothing is read then).
__device__ inline void copyAsync(void *shared, const void *global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(
                   sharedAddress(shared)),
               "l"(global), "r"(valid ? 16 : 0)
               : "memory");
}
__device__ inline void commitCopies() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}
/// Waits until at most `Pending` committed groups of this thread are under way.
template <int Pending> __device__ inline void waitCopies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(Pending) : "memory");
}

} // namespace sluice::cuda
