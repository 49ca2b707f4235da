//===- attention.cpp - Attention over the paged cache ---------------------===//
//
// One unit of work is a row and a query head. The context is walked in splits
// of kAttentionSplit tokens whose partial results are combined at the end; they
// stay on the stack, so the scratch operand is not used. A context too long for
// that computes its scores twice: first the largest of all, then the rest.
//
//===----------------------------------------------------------------------===//

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/paging.h"
#include "kernels/cpu/primitives.h"

#include <algorithm>
#include <cmath>

namespace sluice::cpu {
namespace {

/// Floats of partial results on the stack: 126 splits of a head_dim of 128.
constexpr int64_t kPartialFloats = 16384;
/// Elements of a head that are computed at a time; a wider head computes its
/// scores again for each such part.
constexpr int64_t kMaxWidth = 1024;

struct Head {
  const KernelArgs &args;
  int64_t row, head;
  float *packedQ; ///< packedLength(kMaxWidth) floats.
  int64_t headDim = args.dim[2];
  int64_t kvHeads = args.dim[1];
  int64_t kvHead = head / (args.dim[0] / kvHeads);
  DType type = args.dtype[0];
  Paging paging{operand<const int32_t>(args, 5), args.dim[6], args.dim[4]};
  int64_t sequence = operand<const int32_t>(args, 4)[row];
  int64_t context = int64_t{operand<const int32_t>(args, 3)[row]} + 1;
  int64_t splits = (context + kAttentionSplit - 1) / kAttentionSplit;
  const void *q = at(args.data[0], type, (row * args.dim[0] + head) * headDim);

  /// Calls run(j, n, element): tokens j .. j + n of the split (counted from its
  /// start) lie together in a page, the first at `element` of the pools, the
  /// next ones kvHeads * headDim elements apart.
  template <typename Run> void forRuns(int64_t split, const Run &run) const {
    int64_t first = split * kAttentionSplit;
    int64_t count = std::min<int64_t>(kAttentionSplit, context - first);
    for (int64_t j = 0; j < count;) {
      int64_t inPage = (first + j) % paging.pageTokens;
      int64_t n = std::min(count - j, paging.pageTokens - inPage);
      run(j, n,
          (paging.cell(sequence, first + j) * kvHeads + kvHead) * headDim);
      j += n;
    }
  }

  /// The scaled scores of a split; returns the largest.
  float scoresOf(int64_t split, float *scores) const {
    float largest = -INFINITY;
    forRuns(split, [&](int64_t j, int64_t n, int64_t element) {
      const void *k = at(args.data[1], type, element);
      if (headDim <= kMaxWidth)
        primitives().dotRows(packedQ, 1, headDim, k, type, kvHeads * headDim, n,
                             scores + j, 0);
      else
        for (int64_t i = 0; i < n; ++i)
          scores[j + i] = primitives().dot(
              q, type, at(k, type, i * kvHeads * headDim), type, headDim);
      for (int64_t i = j; i < j + n; ++i) {
        scores[i] = scores[i] * args.scalar[0];
        largest = scores[i] > largest ? scores[i] : largest;
      }
    });
    return largest;
  }

  /// Turns scores into weights; adds up the values' elements [from, from + n)
  /// in sums. Returns the weights' sum.
  float weigh(int64_t split, float *scores, float largest, int64_t from,
              int64_t n, float *sums) const {
    int64_t count =
        std::min<int64_t>(kAttentionSplit, context - split * kAttentionSplit);
    primitives().expBelow(scores, largest, count, scores);
    std::fill_n(sums, n, 0.0f);
    forRuns(split, [&](int64_t j, int64_t tokens, int64_t element) {
      primitives().accumulate(scores + j, tokens,
                              at(args.data[2], type, element + from), type,
                              kvHeads * headDim, n, sums);
    });
    return sumOf(count, [&](int64_t j) { return scores[j]; });
  }

  /// Elements [from, from + n) of the head's output.
  void runPart(int64_t from, int64_t n) const {
    // A partial result: n sums, the split's largest score, its weights' sum.
    float partials[kPartialFloats], scores[kAttentionSplit];
    int64_t width = n + 2;
    bool keep = splits * width <= kPartialFloats;
    float largest = -INFINITY;
    for (int64_t split = 0; split < splits; ++split) {
      float own = scoresOf(split, scores);
      largest = own > largest ? own : largest;
      if (!keep)
        continue;
      float *partial = partials + split * width;
      partial[n] = own;
      partial[n + 1] = weigh(split, scores, own, from, n, partial);
    }
    float sums[kMaxWidth] = {}, sum = 0.0f;
    for (int64_t split = 0; split < splits; ++split) {
      float *partial = partials + (keep ? split * width : 0);
      if (!keep) {
        partial[n] = scoresOf(split, scores);
        partial[n + 1] = weigh(split, scores, partial[n], from, n, partial);
      }
      float factor;
      primitives().expBelow(&partial[n], largest, 1, &factor);
      primitives().accumulate(&factor, 1, &partial[n + 1], DType::F32, 0, 1,
                              &sum);
      primitives().accumulate(&factor, 1, partial, DType::F32, 0, n, sums);
    }
    withActivations(
        type,
        at(args.data[7], type, (row * args.dim[0] + head) * headDim + from),
        [&](auto *out) {
          using T = std::decay_t<decltype(*out)>;
          for (int64_t i = 0; i < n; ++i)
            out[i] = fromFloat<T>(sums[i] / sum);
        });
  }

  void run() const {
    if (headDim <= kMaxWidth)
      primitives().pack(q, type, headDim, packedQ);
    for (int64_t from = 0; from < headDim; from += kMaxWidth)
      runPart(from, std::min(kMaxWidth, headDim - from));
  }
};

} // namespace

void attention(const KernelArgs &args, int64_t rows, const Parallel &parallel) {
  const int64_t heads = args.dim[0];
  forEach(parallel, rows * heads, [&](int64_t item) {
    float packedQ[packedLength(kMaxWidth)];
    Head{args, item / heads, item % heads, packedQ}.run();
  });
}

} // namespace sluice::cpu
