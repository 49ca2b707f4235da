//===- expert_shape.h - The sizes of one expert -----------------*- C++ -*-===//
#pragma once

#include "kernels/kernel.h"

#include <cstdint>

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

} // namespace sluice::tools
