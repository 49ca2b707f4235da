//===- expert_demand.cu - The union of routed experts, pairs by expert ----===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

// One warp an expert, which needs nothing of its neighbours: it counts the
// pairs of smaller experts to know where its own begin, then writes its own in
// increasing order.
__global__ void expertDemandKernel(const int *ids, int *offsets, int *order,
                                   int experts, int64_t pairs) {
  beginInTurn();
  int expert = blockIdx.x * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (expert >= experts)
    return;
  int smaller = 0, own = 0;
#pragma unroll 4
  for (int64_t i = laneId(); i < pairs; i += kWarp) {
    int id = ids[i];
    smaller += id < expert;
    own += id == expert;
  }
  smaller = __reduce_add_sync(kFullWarp, smaller);
  own = __reduce_add_sync(kFullWarp, own);
  if (laneId() == 0) {
    offsets[expert] = smaller;
    if (expert == experts - 1)
      offsets[experts] = smaller + own;
  }
  if (own == 0)
    return;
  int next = smaller;
#pragma unroll 4
  for (int64_t base = 0; base < pairs; base += kWarp) {
    int64_t i = base + laneId();
    bool mine = i < pairs && ids[i] == expert;
    unsigned votes = __ballot_sync(kFullWarp, mine);
    if (mine)
      order[next + __popc(votes & ((1u << laneId()) - 1))] =
          static_cast<int>(i);
    next += __popc(votes);
  }
}

} // namespace

cudaError_t expertDemand(const KernelArgs &args, int64_t rows,
                         const CudaContext &context) {
  int64_t experts = args.dim[0], pairs = rows * args.dim[1];
  if (rows == 0)
    return cudaSuccess;
  constexpr int kThreads = 128;
  return enqueue(context, expertDemandKernel,
                 gridFor(experts, kThreads / kWarp), kThreads, 0,
                 operand<const int>(args, 0), operand<int>(args, 1),
                 operand<int>(args, 2), static_cast<int>(experts), pairs);
}

} // namespace sluice::cuda
