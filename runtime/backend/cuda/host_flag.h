//===- host_flag.h - A count that streams wait for --------------*- C++ -*-===//
//
// The CPU counts in pinned memory and the device looks there itself, so that
// what follows is enqueued while the CPU still works and begins without the
// driving thread.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <atomic>
#include <cstdint>
#include <cuda_runtime.h>

namespace sluice::cuda {

class HostFlag {
public:
  HostFlag() = default;
  /// No stream may wait any more, and nobody count. The device's context must
  /// still live.
  ~HostFlag();
  HostFlag(const HostFlag &) = delete;
  HostFlag &operator=(const HostFlag &) = delete;

  /// Makes the count for the current device. Where there is no memory for it,
  /// as without open, wait must not be called.
  void open();
  bool canWait() const { return pinned != nullptr; }

  /// The count; stays where it is after open. Any thread may change it.
  std::atomic<uint32_t> &count() { return pinned ? *pinned : own; }

  /// What is enqueued on `stream` from here on starts once the count has
  /// reached `value`, and sees what was written before it did. Counts may wrap:
  /// up to half of them ahead is taken for later.
  cudaError_t wait(cudaStream_t stream, uint32_t value) const;

private:
  std::atomic<uint32_t> own{0};
  std::atomic<uint32_t> *pinned = nullptr; ///< Memory of CUDA's.
};

} // namespace sluice::cuda
