//===- clusters.cuh - Blocks that run together ------------------*- C++ -*-===//
//
// Blocks of a cluster are on the device at the same time, can wait for each
// other and write to each other's shared memory. Thin names for that; on
// architectures before 9.0 they do nothing, and no kernel with clusters is
// launched there.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/copies.cuh"

namespace sluice::cuda {

/// The most blocks of a cluster that every whole device with clusters takes;
/// parts of one may have room for fewer.
constexpr int kMaxClusterBlocks = 8;

/// The number of this block in its cluster.
__device__ inline int clusterRank() {
  unsigned rank = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return static_cast<int>(rank);
}

/// The first half of a barrier of the cluster: says that this thread has come
/// so far, and with `clusterArrive` that its writes may be seen. All threads of
/// all blocks call it, in any order within a warp, then clusterWait; another
/// barrier may follow that.
__device__ inline void clusterArriveRelaxed() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory");
#endif
}
__device__ inline void clusterArrive() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
#endif
}
/// The second half: waits until all have, and sees what they let be seen.
__device__ inline void clusterWait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#endif
}

/// Stores to the place that `own` has in the shared memory of block `rank` of
/// the cluster. That block must have begun, and must not end before a barrier
/// behind this.
__device__ inline void storeToBlock(float *own, int rank, float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  unsigned there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(there)
               : "r"(sharedAddress(own)), "r"(rank));
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(value)
               : "memory");
#endif
}

} // namespace sluice::cuda
