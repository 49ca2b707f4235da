//===- host.h - What the CPU reads and computes -----------------*- C++ -*-===//
#pragma once

#include "runtime/core/hardware.h"
#include "tools/sluice-profile/timer.h"

#include <string>

namespace sluice::tools {

/// The sizes of one expert.
struct ExpertShape {
  int64_t hidden = 2048, inner = 768;
  DType dtype = DType::BF16;
  uint64_t bytes() const {
    return 3 * byteSize(dtype) * static_cast<uint64_t>(hidden) *
           static_cast<uint64_t>(inner);
  }
  bool operator==(const ExpertShape &) const = default;
};

/// Fills in what all cores read from memory (hostRead), the rate of the host
/// kernels over experts of this shape (hostExpert), what a job of them costs
/// beside its experts (hostJobUs, where that is more than nothing), and where
/// there is a bus what both reach at once (shared). Measured over more memory
/// than the caches hold: a gigabyte at least. The copy curves of `into` are
/// there.
Status profileHost(Backend &backend, Timer &timer, const ExpertShape &shape,
                   Hardware &into);

/// Large direct reads of a file. Without a usable file the figure stays as it
/// is: it says where it comes from.
Status profileDisk(const std::string &path, Hardware &into);

} // namespace sluice::tools
