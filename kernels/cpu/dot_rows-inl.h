//===- dot_rows-inl.h - Rows of activations with weight rows ----*- C++ -*-===//
//
// Included by primitives_vector.cpp alone, inside a namespace of its own for
// each instruction set and behind the loads that it uses, and therefore without
// an include guard.
//
// A weight row is loaded and transposed once for all rows whose sums have room
// in the registers. Eight rows of 2048 floats are more than the first cache
// holds, and each weight row would fetch them anew: they are taken in parts,
// one of which meets several weight rows before the next comes. Every sum adds
// the same products in the same order, so the bits do not depend on it.
//
//===----------------------------------------------------------------------===//

/// Weights are asked for this far ahead: processors do not look beyond a page
/// of 4 KiB on their own, and rows are often just that long.
constexpr int64_t kAheadBytes = 4096;

/// Asks for the cache lines that `count` elements kAheadBytes behind p take, as
/// far as they lie before `end`.
template <typename T>
HWY_INLINE void prefetchAhead(const T *p, int64_t count, const char *end) {
  const char *ahead = reinterpret_cast<const char *>(p) + kAheadBytes;
  const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
  if (end - ahead < bytes)
    return;
  for (int64_t line = 0; line < bytes; line += 64)
    __builtin_prefetch(ahead + line);
}

/// Bytes of packed rows that stay in the first cache while weights stream
/// through it. More are taken in parts, which leave room for waiting sums.
constexpr int64_t kNearBytes = 32768, kPartBytes = 16384;
/// Outputs of which each part is taken in turn, their sums waiting for the
/// next.
constexpr int64_t kWaiting = 16;

/// Adds the products of elements [begin, end), whole blocks, to each row's
/// sums.
template <int R, typename T>
HWY_INLINE void addBlocks(const float *packed, int64_t length, const T *w,
                          int64_t begin, int64_t end, const char *weightsEnd,
                          VF (&sums)[R][kSums]) {
  const F f;
  VF v[kDotRun];
  for (int64_t i = begin; i < end; i += kDotBlock) {
    prefetchAhead(w + i, kDotBlock, weightsEnd);
    for (int g = 0; g < kSums; ++g) {
      loadGroup(w + i + g * kGroup, v);
      for (int r = 0; r < R; ++r) {
        const float *x = packed + r * length + i + g * kGroup;
        VF sum = sums[r][g];
        for (int t = 0; t < kDotRun; ++t)
          sum = hn::MulAdd(hn::LoadU(f, x + t * kN), v[t], sum);
        sums[r][g] = sum;
      }
    }
  }
}

/// The same for what is left behind them, [begin, n).
template <int R, typename T>
HWY_INLINE void addRest(const float *packed, int64_t length, const T *w,
                        int64_t begin, int64_t n, VF (&sums)[R][kSums]) {
  const F f;
  VF v[kDotRun];
  int64_t i = begin;
  for (int g = 0; i < n; ++g, i += kGroup) {
    if (i + kGroup <= n) {
      loadGroup(w + i, v);
    } else {
      T tail[kGroup];
      copyTail(w + i, n - i, zero<T>(), tail);
      loadGroup(tail, v);
    }
    for (int r = 0; r < R; ++r) {
      const float *x = packed + r * length + i;
      for (int t = 0; t < kDotRun; ++t)
        sums[r][g] = hn::MulAdd(hn::LoadU(f, x + t * kN), v[t], sums[r][g]);
    }
  }
}

/// One output's sums of R rows, while they wait.
template <int R> using Waiting = float[R][kSums][kN];

template <int R>
HWY_INLINE void loadSums(bool isFirst, const Waiting<R> &from,
                         VF (&sums)[R][kSums]) {
  const F f;
  for (int r = 0; r < R; ++r)
    for (int g = 0; g < kSums; ++g)
      sums[r][g] = isFirst ? hn::Zero(f) : hn::Load(f, from[r][g]);
}

template <int R>
HWY_INLINE void storeSums(const VF (&sums)[R][kSums], Waiting<R> &to) {
  for (int r = 0; r < R; ++r)
    for (int g = 0; g < kSums; ++g)
      hn::Store(sums[r][g], F(), to[r][g]);
}

template <int R, typename T>
void dotRowsOf(const float *packed, int64_t n, const T *weights,
               int64_t weightStride, int64_t outputs, float *out,
               int64_t outStride) {
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  constexpr int64_t kPart = kPartBytes / (R * kFloat) / kDotBlock * kDotBlock;
  const int64_t length = packedLength(n), whole = n / kDotBlock * kDotBlock;
  const bool near = R * length * kFloat <= kNearBytes;
  const int64_t partLength = near ? whole : kPart;
  const int64_t parts = near ? 1 : (whole + kPart - 1) / kPart;
  const int64_t atOnce = near ? outputs : kWaiting;
  const auto *end =
      reinterpret_cast<const char *>(weights + outputs * weightStride);
  alignas(64) Waiting<R> waiting[kWaiting];

  for (int64_t first = 0; first < outputs; first += atOnce) {
    const int64_t last = outputs - first < atOnce ? outputs : first + atOnce;
    for (int64_t part = 0; part < parts; ++part) {
      const bool isLast = part + 1 == parts;
      const int64_t begin = part * partLength;
      const int64_t partEnd = isLast ? whole : begin + partLength;
      for (int64_t o = first; o < last; ++o) {
        Waiting<R> &before = waiting[near ? 0 : o - first];
        const T *w = weights + o * weightStride;
        VF sums[R][kSums];
        loadSums(part == 0, before, sums);
        addBlocks(packed, length, w, begin, partEnd, end, sums);
        if (!isLast) {
          storeSums(sums, before);
          continue;
        }
        addRest(packed, length, w, whole, n, sums);
        for (int r = 0; r < R; ++r)
          out[r * outStride + o] = reduce(sums[r]);
      }
    }
  }
}

/// The same for 1 to Most rows.
template <int Most, typename T>
void dotFewOf(const float *packed, int64_t rows, int64_t n, const T *weights,
              int64_t weightStride, int64_t outputs, float *out,
              int64_t outStride) {
  if constexpr (Most > 1)
    if (rows < Most)
      return dotFewOf<Most - 1>(packed, rows, n, weights, weightStride, outputs,
                                out, outStride);
  dotRowsOf<Most>(packed, n, weights, weightStride, outputs, out, outStride);
}

template <typename T>
void dotRowsOfType(const float *packed, int64_t rows, int64_t n,
                   const T *weights, int64_t weightStride, int64_t outputs,
                   float *out, int64_t outStride) {
  // As many rows as have their sums in registers beside the weights.
  constexpr int kMost = HWY_TARGET == HWY_AVX2 ? 4 : 8;
  static_assert(kRowBlock == 8);
  for (; rows > kMost; rows -= kMost) {
    dotRowsOf<kMost>(packed, n, weights, weightStride, outputs, out, outStride);
    packed += kMost * packedLength(n);
    out += kMost * outStride;
  }
  dotFewOf<kMost>(packed, rows, n, weights, weightStride, outputs, out,
                  outStride);
}
