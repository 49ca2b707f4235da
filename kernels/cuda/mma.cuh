//===- mma.cuh - Matrix units -----------------------------------*- C++ -*-===//
//
// Thin names for the PTX that the tensor kernels use: bf16 products with f32
// sums, 16 x 8 x 16 at a time, operands from shared memory. Rows in shared
// memory are padded by 16 bytes, so that the eight rows of an ldmatrix lie in
// different banks.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/copies.cuh"

namespace sluice::cuda {

/// Four 8 x 8 matrices of bf16; lane l names row l % 8 of matrix l / 8.
__device__ inline void loadMatrices(unsigned (&out)[4], const Bf16 *row) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
      : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
      : "r"(sharedAddress(row))
      : "memory");
}
__device__ inline void loadMatricesTransposed(unsigned (&out)[4],
                                              const Bf16 *row) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, "
      "[%4];\n"
      : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
      : "r"(sharedAddress(row))
      : "memory");
}

/// The 16 x 16 left operand at `tile`, rows `stride` elements apart.
__device__ inline void loadLeft(unsigned (&out)[4], const Bf16 *tile,
                                int stride) {
  loadMatrices(out,
               tile + (laneId() % 16) * stride + (laneId() / 16) * kDotRun);
}

/// Two bf16 in one register, `low` first in memory.
__device__ inline unsigned packBf16(float low, float high) {
  unsigned packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

/// The same from a tile of f32, rounded.
__device__ inline void loadLeft(unsigned (&out)[4], const float *tile,
                                int stride) {
  const float *from = tile + (laneId() / 4) * stride + (laneId() % 4) * 2;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float2 pair = *reinterpret_cast<const float2 *>(
        from + (i % 2) * 8 * stride + (i / 2) * 8);
    out[i] = packBf16(pair.x, pair.y);
  }
}

/// Two right operands, columns 0-7 and 8-15 of 16 deep: out[0..1], out[2..3].
/// The tile holds a column a row, as weights and keys lie in memory.
__device__ inline void loadRight(unsigned (&out)[4], const Bf16 *tile,
                                 int stride) {
  int column = (laneId() / 16) * 8 + laneId() % 8;
  loadMatrices(out, tile + column * stride + (laneId() / 8) % 2 * 8);
}
/// The same from a tile that holds a row of the operand a row, as values do.
__device__ inline void loadRightRows(unsigned (&out)[4], const Bf16 *tile,
                                     int stride) {
  loadMatricesTransposed(out,
                         tile + (laneId() % 16) * stride + (laneId() / 16) * 8);
}

/// sums += left x right. Lane l holds rows l / 4 (sums[0..1]) and l / 4 + 8
/// (sums[2..3]) of columns 2 (l % 4) and the next.
__device__ inline void multiply(float (&sums)[4], const unsigned (&left)[4],
                                unsigned right0, unsigned right1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};\n"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]),
                 "r"(right0), "r"(right1));
}

} // namespace sluice::cuda
