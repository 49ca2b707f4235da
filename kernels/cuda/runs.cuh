//===- runs.cuh - Eight neighbouring elements at once -----------*- C++ -*-===//
//
// A run of a dot product is 16 bytes of bf16: what one lane loads, computes
// with and stores at a time where rows are whole runs at multiples of 16 bytes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {

/// The two neighbouring elements of a word, the first in its lower half.
template <typename T> __device__ float2 expandPair(unsigned word);
template <> __device__ inline float2 expandPair<Bf16>(unsigned word) {
  return {__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u)};
}
template <> __device__ inline float2 expandPair<Half>(unsigned word) {
  return {__half2float(__ushort_as_half(word & 0xffffu)),
          __half2float(__ushort_as_half(word >> 16))};
}

/// 16 bytes that nobody writes while the kernel runs, asked for where this
/// stands: the compiler moves other such loads down to their use.
__device__ inline uint4 loadHere(const void *from) {
  uint4 raw = {};
#if defined(__CUDA_ARCH__)
  asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(raw.x), "=r"(raw.y), "=r"(raw.z), "=r"(raw.w)
               : "l"(__cvta_generic_to_global(from)));
#endif
  return raw;
}

/// Eight neighbouring elements (one run of a dot product) as they lie in
/// memory, to have many loads in flight before the first use. Addresses are
/// multiples of 16. `load` is for memory that nobody writes while the kernel
/// runs, `loadAhead` for such that is to be on its way before awaitEarlier,
/// `read` for any. This is the form of elements of two bytes.
template <typename T> struct Run {
  static_assert(sizeof(T) == 2);
  uint4 raw;
  __device__ void load(const T *from) {
    raw = __ldg(reinterpret_cast<const uint4 *>(from));
  }
  __device__ void loadAhead(const T *from) { raw = loadHere(from); }
  __device__ void read(const T *from) {
    raw = *reinterpret_cast<const uint4 *>(from);
  }
  __device__ void expand(float (&out)[8]) const {
    const unsigned words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      float2 pair = expandPair<T>(words[i]);
      out[2 * i] = pair.x;
      out[2 * i + 1] = pair.y;
    }
  }
};

template <> struct Run<float> {
  float4 low, high;
  __device__ void load(const float *from) {
    low = __ldg(reinterpret_cast<const float4 *>(from));
    high = __ldg(reinterpret_cast<const float4 *>(from) + 1);
  }
  __device__ void loadAhead(const float *from) {
    const uint4 words[2] = {loadHere(from), loadHere(from + kDotRun / 2)};
    low = {__uint_as_float(words[0].x), __uint_as_float(words[0].y),
           __uint_as_float(words[0].z), __uint_as_float(words[0].w)};
    high = {__uint_as_float(words[1].x), __uint_as_float(words[1].y),
            __uint_as_float(words[1].z), __uint_as_float(words[1].w)};
  }
  __device__ void read(const float *from) {
    low = reinterpret_cast<const float4 *>(from)[0];
    high = reinterpret_cast<const float4 *>(from)[1];
  }
  __device__ void expand(float (&out)[8]) const {
    out[0] = low.x;
    out[1] = low.y;
    out[2] = low.z;
    out[3] = low.w;
    out[4] = high.x;
    out[5] = high.y;
    out[6] = high.z;
    out[7] = high.w;
  }
};

/// Asks for the line of an address, as far as the L2.
__device__ inline void prefetch(const void *pointer) {
#if defined(__CUDA_ARCH__)
  asm volatile("prefetch.global.L2 [%0];" ::"l"(pointer));
#endif
}

/// Rounds eight neighbouring elements to the type of a buffer and stores them;
/// `to` is a multiple of 16. `values` becomes what was stored.
__device__ inline void storeRun(Bf16 *to, float (&values)[kDotRun]) {
  unsigned words[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    unsigned low = toBf16(values[2 * i]).bits;
    unsigned high = toBf16(values[2 * i + 1]).bits;
    words[i] = low | high << 16;
    values[2 * i] = __uint_as_float(low << 16);
    values[2 * i + 1] = __uint_as_float(high << 16);
  }
  *reinterpret_cast<uint4 *>(to) =
      make_uint4(words[0], words[1], words[2], words[3]);
}
__device__ inline void storeRun(float *to, float (&values)[kDotRun]) {
  reinterpret_cast<float4 *>(to)[0] =
      make_float4(values[0], values[1], values[2], values[3]);
  reinterpret_cast<float4 *>(to)[1] =
      make_float4(values[4], values[5], values[6], values[7]);
}

/// Where a run lies in shared memory as f32: the first four elements here, the
/// others kDotBlock / 2 after, so that 16-byte reads of neighbouring lanes are
/// neighbours.
__device__ inline int stagedIndex(int run) {
  return (run / kWarp) * kDotBlock + (run % kWarp) * 4;
}

/// A run to and from shared memory, at stagedIndex.
__device__ inline void stageRun(float *to, const float (&values)[kDotRun]) {
  *reinterpret_cast<float4 *>(to) =
      make_float4(values[0], values[1], values[2], values[3]);
  *reinterpret_cast<float4 *>(to + kDotBlock / 2) =
      make_float4(values[4], values[5], values[6], values[7]);
}
__device__ inline void unstageRun(const float *from, float (&values)[kDotRun]) {
  float4 low = *reinterpret_cast<const float4 *>(from);
  float4 high = *reinterpret_cast<const float4 *>(from + kDotBlock / 2);
  values[0] = low.x;
  values[1] = low.y;
  values[2] = low.z;
  values[3] = low.w;
  values[4] = high.x;
  values[5] = high.y;
  values[6] = high.z;
  values[7] = high.w;
}

} // namespace sluice::cuda
