//===- rotate.cuh - One rotation of rope ------------------------*- C++ -*-===//
//
// Shared by rope and qk_norm_rope_write, whose bits must agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {

struct Pair {
  float low, high;
};

/// Turns (a, b) = (x[i], x[i + head_dim / 2]) by the position's angle.
__device__ inline Pair rotate(float a, float b, float cosine, float sine) {
  return {__fmaf_rn(a, cosine, -(b * sine)), __fmaf_rn(b, cosine, a * sine)};
}

} // namespace sluice::cuda
