//===- expert_scatter.cu - Rows of pairs to their places ------------------===//

#include "kernels/cuda/device.cuh"

namespace sluice::cuda {
namespace {

constexpr unsigned kThreads = 128;

// Rows come from host memory more often than not: wide words make few requests
// of the bus. A block's words are of one row, `blocks` blocks a row.
template <typename Word>
__global__ void __launch_bounds__(kThreads)
    expertScatterKernel(const Word *in, const int *index, Word *out,
                        unsigned words, unsigned blocks) {
  beginInTurn();
  const unsigned row = blockIdx.x / blocks;
  const unsigned word = blockIdx.x % blocks * kThreads + threadIdx.x;
  if (word < words) {
    const int64_t at = int64_t{index[row]} * words + word;
    out[at] = in[at];
  }
}

template <typename Word>
cudaError_t launch(const KernelArgs &args, int64_t rows,
                   const CudaContext &context) {
  constexpr int64_t kFloats = sizeof(Word) / sizeof(float);
  const auto words = static_cast<unsigned>(args.dim[1] / kFloats);
  const auto blocks = static_cast<unsigned>(ceilDiv(words, kThreads));
  return enqueue(context, expertScatterKernel<Word>, gridFor(rows * blocks, 1),
                 kThreads, 0, operand<const Word>(args, 0),
                 operand<const int>(args, 1), operand<Word>(args, 2), words,
                 blocks);
}

} // namespace

cudaError_t expertScatter(const KernelArgs &args, int64_t rows,
                          const CudaContext &context) {
  constexpr int64_t kWide = sizeof(float4) / sizeof(float);
  if (rows == 0 || args.dim[1] == 0)
    return cudaSuccess;
  const bool wide = args.dim[1] % kWide == 0 && isAligned16(args.data[0]) &&
                    isAligned16(args.data[2]);
  return wide ? launch<float4>(args, rows, context)
              : launch<float>(args, rows, context);
}

} // namespace sluice::cuda
