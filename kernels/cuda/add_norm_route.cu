//===- add_norm_route.cu - A residual sum, its norm and the router --------===//
//
// Between a row's attention and the experts that it needs nothing runs beside
// these three, so at few rows their time is that of waiting for each other. One
// kernel does them for a row with a cluster of blocks. The router's weights are
// on their way before the row is there; every block makes the whole sum and
// norm, which costs less than to hand them around; the experts' dot products
// are shared out over the warps of all blocks, which bring the logits to the
// first one's shared memory, and a warp of that chooses. Sums go in the order
// of the parts: norm.cuh, dots.cuh, select.cuh. Many rows, other sizes and
// types, and devices without clusters take the parts one after the other.
//
//===----------------------------------------------------------------------===//

#include "kernels/cuda/add_norm_route.h"

#include "kernels/cuda/clusters.cuh"
#include "kernels/cuda/norm.cuh"
#include "kernels/cuda/select.cuh"

#include <algorithm>

namespace sluice::cuda {
namespace {

/// Blocks of a row, and warps of a block.
constexpr int kBlocks = kMaxClusterBlocks, kWarps = 16;
constexpr int kThreads = kWarps * kWarp;
/// Experts that have a warp of their own; those behind them are its second.
constexpr int kAllWarps = kBlocks * kWarps;
/// Runs of its first expert that a lane keeps in registers, the others are in
/// shared memory: with some in either, a block finds room beside two of the
/// product in front of it, and need not wait until they have ended.
constexpr int kHeldRuns = 2;
constexpr int kHeldFloats = kHeldRuns * kDotBlock;
/// More rows keep the device busy part by part.
constexpr int64_t kMostRows = 8;
/// Shared memory of a block at most; every device with clusters has it.
constexpr int64_t kMostBytes = 96 << 10;

struct AddNormRoute {
  const Bf16 *a, *b, *normWeight, *routerWeight;
  Bf16 *sum, *out;
  float *logits, *weights;
  int *ids;
  int hidden, experts, topK;
  bool normalize;
  float eps;

  /// Experts of a warp at most.
  __host__ __device__ int perWarp() const {
    return (experts + kAllWarps - 1) / kAllWarps;
  }
  /// Elements of a warp's first expert that its lanes keep in registers.
  __host__ __device__ int held() const {
    return hidden < kHeldFloats ? hidden : kHeldFloats;
  }
  /// Weights of a warp in shared memory.
  __host__ __device__ int copied() const { return perWarp() * hidden - held(); }
  /// Shared memory of a block: the row, then the weights of each warp that has
  /// experts.
  int64_t bytes() const {
    const int64_t warps = std::min<int64_t>(kWarps, ceilDiv(experts, kBlocks));
    return static_cast<int64_t>(runBytes(hidden)) +
           warps * copied() * static_cast<int64_t>(sizeof(Bf16));
  }
};

/// What a warp's lanes multiply: the runs of its experts' weights that a lane
/// takes of each kDotBlock.
class RouterWeights {
public:
  /// Asks for all of them. `room` is copied() elements of shared memory.
  __device__ RouterWeights(const AddNormRoute &args, Bf16 *room, int first)
      : args(args), memory(room - args.held()), lane(laneId() * kDotRun) {
    const Bf16 *row = args.routerWeight + int64_t{first} * args.hidden;
    if (first < args.experts) {
#pragma unroll
      for (int i = 0; i < kHeldRuns; ++i)
        if (i * kDotBlock + lane < args.hidden)
          held[i].loadAhead(row + i * kDotBlock + lane);
    }
    for (int k = 0, expert = first; expert < args.experts;
         ++k, expert += kAllWarps, row += int64_t{kAllWarps} * args.hidden)
      for (int i = (k == 0 ? kHeldFloats : 0) + lane; i < args.hidden;
           i += kDotBlock)
        copyAsync(memory + k * args.hidden + i, row + i, true);
    commitCopies();
  }

  /// The dot product of the row at `staged` with the warp's `k`-th expert, the
  /// same on all lanes. Each lane reads what it copied itself.
  __device__ float dot(const float *staged, int k) const {
    float sum = 0.0f;
    auto add = [&](int i, const Run<Bf16> &bits) {
      float x[kDotRun], w[kDotRun];
      bits.expand(w);
      unstageRun(staged + i - lane + laneId() * 4, x);
#pragma unroll
      for (int e = 0; e < kDotRun; ++e)
        sum = __fmaf_rn(x[e], w[e], sum);
    };
    if (k == 0) {
#pragma unroll
      for (int i = 0; i < kHeldRuns; ++i)
        if (i * kDotBlock + lane < args.hidden)
          add(i * kDotBlock + lane, held[i]);
    }
#pragma unroll 4
    for (int i = (k == 0 ? kHeldFloats : 0) + lane; i < args.hidden;
         i += kDotBlock) {
      Run<Bf16> bits;
      bits.read(memory + k * args.hidden + i);
      add(i, bits);
    }
    return warpTree(sum);
  }

private:
  const AddNormRoute &args;
  Bf16 *memory; ///< Where the first expert's first element would be.
  int lane;
  Run<Bf16> held[kHeldRuns] = {};
};

/// Rounds a run to bf16.
__device__ void roundRun(float (&values)[kDotRun]) {
#pragma unroll
  for (int e = 0; e < kDotRun; ++e)
    values[e] = toFloat(toBf16(values[e]));
}

// One cluster a row; a thread has one run of it.
__global__ void __launch_bounds__(kThreads, 2)
    addNormRouteKernel(const __grid_constant__ AddNormRoute args) {
  extern __shared__ float4 stagedRuns[];
  __shared__ float logits[kMaxRunExperts]; // of the first block
  auto *staged = reinterpret_cast<float *>(stagedRuns);
  const int rank = clusterRank(), thread = static_cast<int>(threadIdx.x);
  const int warp = thread / kWarp, runs = args.hidden / kDotRun;
  const int64_t row = blockIdx.x / kBlocks;
  letLaterBegin();
  clusterArriveRelaxed(); // this block has begun

  // What nobody writes. Neighbouring experts are in different blocks, so that
  // few of them keep all blocks equally busy.
  const int first = rank + kBlocks * warp;
  const int rowFloats = static_cast<int>(ceilDiv(args.hidden, kDotBlock)) *
                        static_cast<int>(kDotBlock);
  const RouterWeights router(
      args, reinterpret_cast<Bf16 *>(staged + rowFloats) + warp * args.copied(),
      first);
  const bool active = thread < runs;
  const int64_t at = row * args.hidden + thread * kDotRun;
  Run<Bf16> scale = {};
  if (active)
    scale.loadAhead(args.normWeight + thread * kDotRun);
  clusterWait(); // all have begun: the first one's memory may be written
  awaitEarlier();

  // The sum and its norm, each as rounded.
  float values[kDotRun];
  if (active) {
    addRuns(args.a + at, args.b + at, values);
    roundRun(values);
    if (rank == 0)
      storeRun(args.sum + at, values);
  }
  const float factor =
      rmsFactor(runSquares(values, runs), args.hidden, args.eps);
  if (active) {
    // From where runSquares staged it: few registers are left while that sums.
    unstageRun(staged + stagedIndex(thread), values);
    float w[kDotRun];
    scale.expand(w);
#pragma unroll
    for (int e = 0; e < kDotRun; ++e)
      values[e] = w[e] * (values[e] * factor);
    roundRun(values);
    stageRun(staged + stagedIndex(thread), values);
  }
  waitCopies<0>();
  __syncthreads();

  // The logits, to the first block. A release waits for the stores in front of
  // it, those to the device's memory take longer: they are behind it.
  for (int k = 0, expert = first; expert < args.experts;
       ++k, expert += kAllWarps)
    if (const float logit = router.dot(staged, k); laneId() == 0)
      storeToBlock(logits + expert, 0, logit);
  clusterArrive();
  if (active && rank == 0) {
    unstageRun(staged + stagedIndex(thread), values);
    storeRun(args.out + at, values);
  }
  clusterWait();

  // The choice. Nobody writes to the first block's memory any more, and nobody
  // waits for the others.
  if (rank != 0)
    return;
  if (warp != 0) {
    for (int i = thread - kWarp; i < args.experts; i += kThreads - kWarp)
      args.logits[row * args.experts + i] = logits[i];
    return;
  }
  float chances[kDotRun] = {};
  forRun(args.experts, [&](int e, int i) { chances[e] = logits[i]; });
  runSoftmax(args.experts, chances);
  runTopK(args.experts, args.topK, args.normalize, chances,
          args.ids + row * args.topK, args.weights + row * args.topK);
}

/// Whether the device has room for a cluster with most memory: a part of a GPU
/// may be too small. The processes of Sluice use one device, or alike ones.
bool hasRoomForClusters() {
  static const bool room = [] {
    cudaLaunchAttribute cluster = {};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {kBlocks, 1, 1};
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(kBlocks);
    config.blockDim = dim3(kThreads);
    config.dynamicSmemBytes = kMostBytes;
    config.attrs = &cluster;
    config.numAttrs = 1;
    int clusters = 0;
    const bool known =
        cudaFuncSetAttribute(addNormRouteKernel,
                             cudaFuncAttributeMaxDynamicSharedMemorySize,
                             kMostBytes) == cudaSuccess &&
        cudaOccupancyMaxActiveClusters(&clusters, addNormRouteKernel,
                                       &config) == cudaSuccess;
    if (!known)
      (void)cudaGetLastError(); // The parts will do.
    return known && clusters > 0;
  }();
  return room;
}

/// Whether a cluster a row takes a launch, and what it is given then.
bool fitsClusters(const KernelArgs &args, int64_t rows,
                  const CudaContext &context, AddNormRoute &fitting) {
  constexpr int kMatrices = 6; // operands in front of the logits
  const int64_t hidden = args.dim[0], experts = args.dim[1];
  bool fits = context.architecture >= 90 && rows <= kMostRows &&
              isNormOfRuns(hidden) && hidden <= kThreads * kDotRun &&
              isTopKOfRuns(experts, args.dim[2]);
  for (int i = 0; i < kMatrices; ++i)
    fits = fits && args.dtype[i] == DType::BF16 && isAligned16(args.data[i]);
  if (!fits)
    return false;
  fitting = {operand<const Bf16>(args, 0),
             operand<const Bf16>(args, 1),
             operand<const Bf16>(args, 2),
             operand<const Bf16>(args, 3),
             operand<Bf16>(args, 4),
             operand<Bf16>(args, 5),
             operand<float>(args, 6),
             operand<float>(args, 8),
             operand<int>(args, 7),
             static_cast<int>(hidden),
             static_cast<int>(experts),
             static_cast<int>(args.dim[2]),
             args.dim[3] != 0,
             args.scalar[0]};
  return fitting.bytes() <= kMostBytes && hasRoomForClusters();
}

} // namespace

cudaError_t addNormRoute(const KernelArgs &args, int64_t rows,
                         const CudaContext &context) {
  if (rows == 0)
    return cudaSuccess;
  if (AddNormRoute whole; fitsClusters(args, rows, context, whole)) {
    // The most that the form takes, so that no thread lowers it for another.
    if (cudaError_t error = cudaFuncSetAttribute(
            addNormRouteKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
            kMostBytes);
        error != cudaSuccess)
      return error;
    return enqueueClusters(context, addNormRouteKernel,
                           dim3(static_cast<unsigned>(rows * kBlocks)),
                           kThreads, static_cast<size_t>(whole.bytes()),
                           dim3(kBlocks), whole);
  }
  return launchAddNormRouteParts(args, rows, context, linear);
}

} // namespace sluice::cuda
