//===- bench_device.cpp - The device that the benchmarks run on -----------===//

#include "tests/kernels/cuda/bench.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace sluice::bench {

void check(cudaError_t code, const char *what) {
  if (code == cudaSuccess)
    return;
  std::fprintf(stderr, "bench: %s: %s\n", what, cudaGetErrorString(code));
  std::exit(1);
}

void Bench::open() {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "properties");
  std::printf("%s, %d multiprocessors\n", properties.name,
              properties.multiProcessorCount);
  context.multiprocessors = properties.multiProcessorCount;
  context.architecture = cuda::kernelArchitecture();
  check(cudaStreamCreateWithFlags(&context.stream, cudaStreamNonBlocking),
        "stream");
  if (cublasLtCreate(&context.blas) != CUBLAS_STATUS_SUCCESS) {
    std::fprintf(stderr, "bench: cuBLASLt does not start\n");
    std::exit(1);
  }
  for (std::byte **pool : {&weights, &other}) {
    void *data = nullptr;
    check(cudaMalloc(&data, kPool), "memory");
    *pool = static_cast<std::byte *>(data);
  }
  std::vector<uint16_t> random(size_t{1} << 24);
  std::mt19937 engine(1);
  for (uint16_t &bits : random) // sign, exponents of 2^-3 to 2^-1, fraction
    bits = static_cast<uint16_t>((engine() & 0x807f) |
                                 ((124 + engine() % 3) << 7));
  size_t bytes = random.size() * 2;
  for (size_t at = 0; at < kPool; at += bytes) {
    check(cudaMemcpy(weights + at, random.data(), bytes, cudaMemcpyDefault),
          "fill");
    check(cudaMemcpy(other + at, random.data(), bytes, cudaMemcpyDefault),
          "fill");
  }
}

double Bench::time(const std::function<void()> &enqueue,
                   const std::function<void()> &before) {
  enqueue(); // loads modules, chooses algorithms
  check(cudaStreamSynchronize(context.stream), "first run");
  cudaGraph_t graph;
  cudaGraphExec_t ready;
  check(cudaStreamBeginCapture(context.stream, cudaStreamCaptureModeGlobal),
        "capture");
  enqueue();
  check(cudaStreamEndCapture(context.stream, &graph), "capture");
  check(cudaGraphInstantiate(&ready, graph, 0), "graph");
  cudaEvent_t start, stop;
  check(cudaEventCreate(&start), "event");
  check(cudaEventCreate(&stop), "event");
  std::vector<float> times;
  for (int i = 0; i < 23; ++i) {
    if (before)
      before();
    check(cudaEventRecord(start, context.stream), "event");
    check(cudaGraphLaunch(ready, context.stream), "replay");
    check(cudaEventRecord(stop, context.stream), "event");
    check(cudaEventSynchronize(stop), "replay");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start, stop), "event");
    if (i >= 3)
      times.push_back(milliseconds);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  check(cudaEventDestroy(start), "event");
  check(cudaEventDestroy(stop), "event");
  check(cudaGraphExecDestroy(ready), "graph");
  check(cudaGraphDestroy(graph), "graph");
  return times[times.size() / 2] * 1e-3;
}

void Bench::run(Kernel kernel, Arithmetic arithmetic, const KernelArgs &args,
                int64_t rows) {
  check(cuda::findCudaKernel(kernel, arithmetic)(args, rows, context),
        "launch");
}

} // namespace sluice::bench
