//===- enqueue.cuh - What every launch function needs -----------*- C++ -*-===//
#pragma once

#include "kernels/convert.h"
#include "kernels/cuda/launch.h"

#include <cuda_runtime.h>

#include <utility>

namespace sluice::cuda {

/// Launches a kernel that calls awaitEarlier, in clusters of so many blocks; it
/// may begin while the kernel in front on the stream is running. (What is no
/// kernel it waits for as ever.) Clusters ask for architecture 90.
template <typename... Parameters, typename... Arguments>
cudaError_t enqueueClusters(const CudaContext &context,
                            void (*kernel)(Parameters...), dim3 grid,
                            dim3 block, size_t sharedBytes, dim3 cluster,
                            Arguments &&...arguments) {
  cudaLaunchAttribute attributes[2] = {};
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = sharedBytes;
  config.stream = context.stream;
  config.attrs = attributes;
  // Code of older architectures has no way to wait.
  if (context.architecture >= 90) {
    cudaLaunchAttribute &early = attributes[config.numAttrs++];
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
  }
  if (cluster.x * cluster.y * cluster.z > 1) {
    cudaLaunchAttribute &together = attributes[config.numAttrs++];
    together.id = cudaLaunchAttributeClusterDimension;
    together.val.clusterDim = {cluster.x, cluster.y, cluster.z};
  }
  return cudaLaunchKernelEx(&config, kernel,
                            std::forward<Arguments>(arguments)...);
}

/// The same without clusters.
template <typename... Parameters, typename... Arguments>
cudaError_t enqueue(const CudaContext &context, void (*kernel)(Parameters...),
                    dim3 grid, dim3 block, size_t sharedBytes,
                    Arguments &&...arguments) {
  return enqueueClusters(context, kernel, grid, block, sharedBytes, dim3(1),
                         std::forward<Arguments>(arguments)...);
}

template <typename T> struct TypeTag {
  using Type = T;
};

/// Calls `body(TypeTag<T>{})` with the activation type of `type`.
template <typename Body> cudaError_t withActivation(DType type, Body body) {
  switch (type) {
  case DType::BF16:
    return body(TypeTag<Bf16>{});
  case DType::F32:
    return body(TypeTag<float>{});
  default:
    return cudaErrorInvalidValue;
  }
}

/// Calls `body(TypeTag<T>{})` with the weight type of `type`.
template <typename Body> cudaError_t withWeight(DType type, Body body) {
  return type == DType::F16 ? body(TypeTag<Half>{})
                            : withActivation(type, body);
}

inline bool isAligned16(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

__host__ __device__ constexpr int64_t ceilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// Blocks of `threads` for `items` items.
inline dim3 gridFor(int64_t items, int64_t perBlock) {
  return dim3(static_cast<unsigned>(ceilDiv(items, perBlock)));
}

template <typename T> T *operand(const KernelArgs &args, int index) {
  return static_cast<T *>(args.data[index]);
}

} // namespace sluice::cuda
