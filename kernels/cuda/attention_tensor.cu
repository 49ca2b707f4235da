//===- attention_tensor.cu - Attention over the paged cache, matrix units -===//
//
// One block takes 64 query vectors: some neighbouring rows, each with all query
// heads of one kv head. Rows of different sequences may be neighbours; the
// block walks one run of rows of a sequence after the other, in tiles of 64
// tokens counted from position 0, with a running maximum. A tile beyond a row's
// own context leaves the row's state as it was, to the bit, so that a row does
// not depend on its neighbours.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/mma.cuh"

namespace sluice::cuda {
namespace {

constexpr int kQueries = 64;
constexpr int kTokens = 64;
constexpr int kThreads = 128;

struct Attention {
  const Bf16 *q, *kCache, *vCache;
  const int *position, *sequence, *pageTable;
  Bf16 *out;
  int64_t rows, heads, kvHeads, headDim, pageTokens, pagesPerSequence;
  int group; ///< Query heads of a kv head.
  int rowsPerBlock;
  float scale; ///< Times log2 e: scores are exponents of 2.
};

/// Keys and values of one tile; rows padded by 16 bytes.
template <int Width> struct KvTile {
  static constexpr int kStride = Width + 8;
  Bf16 k[kTokens * kStride];
  Bf16 v[kTokens * kStride];
};

struct Rows {
  int position[kQueries], sequence[kQueries];
  int64_t at[2][kTokens]; ///< Starts of a tile's tokens in the caches, or -1.
};

__device__ inline float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

template <int Width>
__device__ void fetchTile(const Attention &args, KvTile<Width> &tile,
                          const int64_t (&at)[kTokens]) {
  constexpr int kCopies = Width / 8;
  for (int item = threadIdx.x; item < kTokens * kCopies; item += kThreads) {
    int token = item / kCopies, d = item % kCopies * 8;
    int64_t start = at[token];
    bool valid = start >= 0 && d < args.headDim;
    int64_t from = valid ? start + d : 0;
    int to = token * KvTile<Width>::kStride + d;
    copyAsync(tile.k + to, args.kCache + from, valid);
    copyAsync(tile.v + to, args.vCache + from, valid);
  }
  commitCopies();
}

/// The state of the lane's two rows (lane / 4 and the eighth after it).
template <int Width> struct State {
  float largest[2], sum[2];
  float out[Width / 8][4];
};

template <int Width>
__device__ void addTile(const Attention &args, const KvTile<Width> &tile,
                        const unsigned (&query)[Width / 16][4], int start,
                        const int (&position)[2], State<Width> &state) {
  constexpr int kStride = KvTile<Width>::kStride;
  float scores[kTokens / 8][4] = {};
#pragma unroll
  for (int d = 0; d < Width / 16; ++d)
#pragma unroll
    for (int j = 0; j < kTokens / 16; ++j) {
      unsigned keys[4];
      loadRight(keys, tile.k + 16 * j * kStride + 16 * d, kStride);
      multiply(scores[2 * j], query[d], keys[0], keys[1]);
      multiply(scores[2 * j + 1], query[d], keys[2], keys[3]);
    }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float largest = state.largest[half];
#pragma unroll
    for (int j = 0; j < kTokens / 8; ++j)
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        int token = start + 8 * j + laneId() % 4 * 2 + c;
        float &score = scores[j][2 * half + c];
        score = token <= position[half] ? score * args.scale : -INFINITY;
        largest = fmaxf(largest, score);
      }
    largest = fmaxf(largest, __shfl_xor_sync(kFullWarp, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(kFullWarp, largest, 2));
    // A row with no token yet (of another run) has nothing to keep.
    float base = largest == -INFINITY ? 0.0f : largest;
    float shrink = exp2Fast(state.largest[half] - base);
    float sum = state.sum[half] * shrink;
    state.largest[half] = largest;
#pragma unroll
    for (int j = 0; j < kTokens / 8; ++j)
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        float weight = exp2Fast(scores[j][2 * half + c] - base);
        scores[j][2 * half + c] = weight;
        sum = sum + weight;
      }
    state.sum[half] = sum;
#pragma unroll
    for (int d = 0; d < Width / 8; ++d) {
      state.out[d][2 * half] *= shrink;
      state.out[d][2 * half + 1] *= shrink;
    }
  }
#pragma unroll
  for (int j = 0; j < kTokens / 16; ++j) {
    const unsigned weights[4] = {
        packBf16(scores[2 * j][0], scores[2 * j][1]),
        packBf16(scores[2 * j][2], scores[2 * j][3]),
        packBf16(scores[2 * j + 1][0], scores[2 * j + 1][1]),
        packBf16(scores[2 * j + 1][2], scores[2 * j + 1][3])};
#pragma unroll
    for (int d = 0; d < Width / 16; ++d) {
      unsigned values[4];
      loadRightRows(values, tile.v + 16 * j * kStride + 16 * d, kStride);
      multiply(state.out[2 * d], weights, values[0], values[1]);
      multiply(state.out[2 * d + 1], weights, values[2], values[3]);
    }
  }
}

/// Where query vector m of the block starts in q and out; negative for none.
__device__ inline int64_t queryStart(const Attention &args, int64_t firstRow,
                                     int64_t kvHead, int m) {
  int64_t row = firstRow + m / args.group;
  if (m / args.group >= args.rowsPerBlock || row >= args.rows)
    return -1;
  return (row * args.heads + kvHead * args.group + m % args.group) *
         args.headDim;
}

template <int Width>
__global__ void __launch_bounds__(kThreads)
    attentionTensorKernel(Attention args) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ Rows rows;
  constexpr int kStride = KvTile<Width>::kStride;
  auto *tiles = reinterpret_cast<KvTile<Width> *>(memory);
  int64_t firstRow = int64_t{blockIdx.x} * args.rowsPerBlock;
  int64_t kvHead = blockIdx.y;
  int count =
      static_cast<int>(min(args.rows - firstRow, int64_t{args.rowsPerBlock}));

  // Queries pass through the first tile's memory into registers.
  for (int item = threadIdx.x; item < kQueries * (Width / 8);
       item += kThreads) {
    int m = item / (Width / 8), d = item % (Width / 8) * 8;
    int64_t start = queryStart(args, firstRow, kvHead, m);
    bool valid = start >= 0 && d < args.headDim;
    copyAsync(tiles[0].k + m * kStride + d, args.q + (valid ? start + d : 0),
              valid);
  }
  commitCopies();
  if (static_cast<int>(threadIdx.x) < count) {
    rows.position[threadIdx.x] = args.position[firstRow + threadIdx.x];
    rows.sequence[threadIdx.x] = args.sequence[firstRow + threadIdx.x];
  }
  waitCopies<0>();
  __syncthreads();
  int warpFirst = threadIdx.x / kWarp * 16;
  unsigned query[Width / 16][4];
#pragma unroll
  for (int d = 0; d < Width / 16; ++d)
    loadLeft(query[d], tiles[0].k + warpFirst * kStride + 16 * d, kStride);

  for (int begin = 0, end; begin < count; begin = end) {
    int sequence = rows.sequence[begin], last = rows.position[begin];
    for (end = begin + 1; end < count && rows.sequence[end] == sequence; ++end)
      last = max(last, rows.position[end]);
    // A row of another run gets position -1: it sees no token.
    int position[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int row = (warpFirst + 8 * half + laneId() / 4) / args.group;
      position[half] = row >= begin && row < end ? rows.position[row] : -1;
    }
    State<Width> state = {{-INFINITY, -INFINITY}, {0.0f, 0.0f}, {}};
    auto locate = [&](int start) {
      if (threadIdx.x >= kTokens)
        return;
      int token = start + threadIdx.x;
      rows.at[start / kTokens % 2][threadIdx.x] =
          token > last ? -1
                       : (kvToken(args.pageTable, args.pagesPerSequence,
                                  args.pageTokens, sequence, token) *
                              args.kvHeads +
                          kvHead) *
                             args.headDim;
    };
    __syncthreads(); // queries and the last run's tiles have been read
    locate(0);
    __syncthreads();
    fetchTile(args, tiles[0], rows.at[0]);
    for (int start = 0; start <= last; start += kTokens) {
      int next = start + kTokens, parity = start / kTokens % 2;
      if (next <= last)
        locate(next);
      __syncthreads(); // the other tile has been read, `at` is written
      if (next <= last) {
        fetchTile(args, tiles[1 - parity], rows.at[1 - parity]);
        waitCopies<1>();
      } else {
        waitCopies<0>();
      }
      __syncthreads();
      addTile<Width>(args, tiles[parity], query, start, position, state);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float sum = state.sum[half];
      sum = sum + __shfl_xor_sync(kFullWarp, sum, 1);
      sum = sum + __shfl_xor_sync(kFullWarp, sum, 2);
      if (position[half] < 0)
        continue;
      int64_t start = queryStart(args, firstRow, kvHead,
                                 warpFirst + 8 * half + laneId() / 4);
#pragma unroll
      for (int d = 0; d < Width / 8; ++d)
        if (8 * d < args.headDim)
          *reinterpret_cast<unsigned *>(args.out + start + 8 * d +
                                        laneId() % 4 * 2) =
              packBf16(__fdiv_rn(state.out[d][2 * half], sum),
                       __fdiv_rn(state.out[d][2 * half + 1], sum));
    }
  }
}

template <int Width>
cudaError_t launchWidth(const Attention &args, const CudaContext &context) {
  constexpr int kBytes = 2 * sizeof(KvTile<Width>);
  if (cudaError_t error = cudaFuncSetAttribute(
          attentionTensorKernel<Width>,
          cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
      error != cudaSuccess)
    return error;
  dim3 grid(ceilDiv(args.rows, args.rowsPerBlock), args.kvHeads);
  attentionTensorKernel<Width>
      <<<grid, kThreads, kBytes, context.stream>>>(args);
  return cudaGetLastError();
}

} // namespace

cudaError_t attentionTensor(const KernelArgs &args, int64_t rows,
                            const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  int64_t heads = args.dim[0], kvHeads = args.dim[1], headDim = args.dim[2];
  int64_t group = heads / kvHeads;
  bool fits = args.dtype[0] == DType::BF16 && headDim % 8 == 0 &&
              headDim <= 256 && group <= kQueries && kvHeads <= 65535 &&
              isAligned16(args.data[0]) && isAligned16(args.data[1]) &&
              isAligned16(args.data[2]) && isAligned16(args.data[7]);
  if (!fits)
    return attention(args, rows, context);
  constexpr float kLog2E = 1.44269504f;
  Attention sizes{operand<const Bf16>(args, 0),
                  operand<const Bf16>(args, 1),
                  operand<const Bf16>(args, 2),
                  operand<const int>(args, 3),
                  operand<const int>(args, 4),
                  operand<const int>(args, 5),
                  operand<Bf16>(args, 7),
                  rows,
                  heads,
                  kvHeads,
                  headDim,
                  args.dim[4],
                  args.dim[6],
                  static_cast<int>(group),
                  static_cast<int>(kQueries / group),
                  args.scalar[0] * kLog2E};
  if (headDim <= 32)
    return launchWidth<32>(sizes, context);
  if (headDim <= 64)
    return launchWidth<64>(sizes, context);
  if (headDim <= 128)
    return launchWidth<128>(sizes, context);
  return launchWidth<256>(sizes, context);
}

} // namespace sluice::cuda
