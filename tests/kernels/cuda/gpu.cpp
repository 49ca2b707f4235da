//===- gpu.cpp - Random launches on a GPU ---------------------------------===//

#include "tests/kernels/cuda/gpu.h"

#include <cstdlib>
#include <cstring>

namespace sluice::test {
namespace {

/// A device, its stream and library handle, made once and kept.
struct Device {
  cuda::CudaContext context;
  std::string problem;

  Device() {
    int count = 0;
    if (!check(cudaGetDeviceCount(&count)))
      return;
    if (count == 0) {
      problem = "CUDA sees no device";
      return;
    }
    cudaDeviceProp properties;
    if (!check(cudaGetDeviceProperties(&properties, 0)) ||
        !check(
            cudaStreamCreateWithFlags(&context.stream, cudaStreamNonBlocking)))
      return;
    context.multiprocessors = properties.multiProcessorCount;
    context.architecture = cuda::kernelArchitecture();
    // Its kernels are not ours to race.
    if (std::getenv("SLUICE_WITHOUT_CUBLAS"))
      return;
    if (cublasLtCreate(&context.blas) != CUBLAS_STATUS_SUCCESS)
      problem = "cuBLASLt does not start";
  }
  bool check(cudaError_t code) {
    if (code != cudaSuccess)
      problem = cudaGetErrorString(code);
    return code == cudaSuccess;
  }
};

Device &device() {
  static Device only;
  return only;
}

/// Device copies of operands with their guards, each an allocation of its own
/// so that compute-sanitizer knows its bounds.
class Mirror {
public:
  Mirror(Operands &host, size_t shift)
      : host(host), shift(shift), args(host.args) {}
  ~Mirror() {
    for (void *block : blocks)
      (void)cudaFree(block);
  }
  cudaError_t allocate(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      void *block = nullptr;
      if (cudaError_t code = cudaMalloc(&block, guarded(i).size() + shift);
          code != cudaSuccess)
        return code;
      blocks.push_back(block);
      if (args.data[i])
        args.data[i] = start(blocks.back()) + Operands::kGuard;
    }
    return cudaSuccess;
  }
  cudaError_t upload() {
    for (size_t i = 0; i < blocks.size(); ++i)
      if (cudaError_t code =
              cudaMemcpy(start(blocks[i]), guarded(i).data(), guarded(i).size(),
                         cudaMemcpyHostToDevice);
          code != cudaSuccess)
        return code;
    return cudaDeviceSynchronize();
  }
  cudaError_t download() {
    for (size_t i = 0; i < blocks.size(); ++i)
      if (cudaError_t code =
              cudaMemcpy(guarded(i).data(), start(blocks[i]), guarded(i).size(),
                         cudaMemcpyDeviceToHost);
          code != cudaSuccess)
        return code;
    return cudaSuccess;
  }

private:
  std::byte *start(void *block) {
    return static_cast<std::byte *>(block) + shift;
  }
  std::span<std::byte> guarded(size_t i) {
    std::span<std::byte> inner = host.bytes(static_cast<int>(i));
    return {inner.data() - Operands::kGuard,
            inner.size() + 2 * Operands::kGuard};
  }
  Operands &host;
  size_t shift;
  std::vector<void *> blocks;

public:
  KernelArgs args;
};

/// Runs the launch from a graph. It ran once before on the stream, since what
/// CUDA and cuBLASLt load at a first launch cannot be loaded while capturing;
/// fresh operands show that the graph did the work.
cudaError_t runGraph(cuda::CudaKernel kernel, Mirror &mirror, int64_t rows,
                     const cuda::CudaContext &context) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  cudaError_t code = kernel(mirror.args, rows, context);
  if (code == cudaSuccess)
    code = cudaStreamSynchronize(context.stream);
  if (code == cudaSuccess)
    code = mirror.upload();
  if (code == cudaSuccess)
    code = cudaStreamBeginCapture(context.stream, cudaStreamCaptureModeGlobal);
  if (code != cudaSuccess)
    return code;
  cudaError_t launched = kernel(mirror.args, rows, context);
  code = cudaStreamEndCapture(context.stream, &graph);
  if (launched != cudaSuccess)
    return launched;
  if (code == cudaSuccess)
    code = cudaGraphInstantiate(&ready, graph, 0);
  if (code == cudaSuccess)
    code = cudaGraphLaunch(ready, context.stream);
  if (code == cudaSuccess)
    code = cudaStreamSynchronize(context.stream);
  if (ready)
    (void)cudaGraphExecDestroy(ready);
  if (graph)
    (void)cudaGraphDestroy(graph);
  return code;
}

} // namespace

std::string whyNoGpu() { return device().problem; }

std::string gpuContext(cuda::CudaContext &context) {
  context = device().context;
  return device().problem;
}

std::string runOnGpu(const Case &source, const GpuOptions &options,
                     Operands &operands) {
  cuda::CudaKernel kernel =
      cuda::findCudaKernel(source.kernel, options.arithmetic);
  if (!kernel)
    return "no CUDA kernel";
  cuda::CudaContext context = device().context;
  if (options.multiprocessors)
    context.multiprocessors = options.multiprocessors;
  if (options.older)
    context.architecture = 0;
  if (!options.cublas)
    context.blas = nullptr;
  Mirror mirror(operands, options.shift);
  cudaError_t code = mirror.allocate(source.image.size());
  if (code == cudaSuccess)
    code = mirror.upload();
  if (code == cudaSuccess)
    code = options.graph ? runGraph(kernel, mirror, source.rows, context)
                         : kernel(mirror.args, source.rows, context);
  if (code == cudaSuccess)
    code = cudaStreamSynchronize(context.stream);
  if (code == cudaSuccess)
    code = mirror.download();
  if (code == cudaSuccess)
    return "";
  return std::string(cudaGetErrorString(code)) + "; " + source.describe();
}

std::string compareRow(const Case &source, const Operands &together,
                       const Operands &alone, int64_t row) {
  const Signature &signature = source.signature();
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    if (!isResult(source, i) ||
        signature.operands[i].shape[0].kind != Factor::Rows)
      continue;
    auto one = alone.bytes(i);
    auto among = together.bytes(i).subspan(row * one.size(), one.size());
    if (std::memcmp(one.data(), among.data(), one.size()) != 0)
      return std::string("row ") + std::to_string(row) + " of '" +
             signature.operands[i].name +
             "' has other bits alone than with its neighbours; " +
             source.describe();
  }
  return "";
}

} // namespace sluice::test
