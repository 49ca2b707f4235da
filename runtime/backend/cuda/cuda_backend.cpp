//===- cuda_backend.cpp - Plans on an NVIDIA GPU --------------------------===//

#include "runtime/backend/cuda/cuda_backend.h"
#include "kernels/cuda/registry.h"
#include "runtime/backend/cuda/error.h"
#include "runtime/backend/cuda/events.h"
#include "runtime/backend/cuda/graphs.h"
#include "runtime/backend/cuda/host_flag.h"
#include "runtime/backend/cuda/host_memory.h"
#include "runtime/backend/cuda/report_kernel.h"
#include "runtime/backend/cuda/small_copy.h"
#include "runtime/backend/cuda/spans.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nvtx3/nvToolsExt.h>
#include <vector>

namespace sluice {
namespace {

using cuda::toStatus;

class CudaBackend final : public Backend {
public:
  ~CudaBackend() override;
  /// Everything that can fail of construction.
  Status open(int index);

  const char *name() const override { return "cuda"; }
  std::string describe() const override;
  Status reserveEvents(uint32_t count) override;
  Result<KernelHandle> findKernel(Kernel kernel,
                                  Arithmetic arithmetic) override;
  Status launch(StreamKind stream, KernelHandle kernel, const KernelArgs &args,
                int64_t rows) override;
  Status copy(StreamKind stream, void *target, MemoryKind targetKind,
              const void *source, MemoryKind sourceKind,
              uint64_t bytes) override;
  Status upload(StreamKind stream, void *target, const void *source,
                uint64_t bytes) override;
  Status record(StreamKind stream, uint32_t event) override;
  Status report(StreamKind stream, std::span<const ReportPart> parts,
                uint32_t event) override;
  Status wait(StreamKind stream, uint32_t event) override;
  Status hostFunction(StreamKind stream, void (*function)(void *),
                      void *context) override;
  Status synchronize(StreamKind stream) override;
  Status synchronize() override;
  Result<bool> query(uint32_t event) override;
  Status waitOnHost(uint32_t event) override;
  bool kernelsReach(const void *host) const override {
    return hostMemory.isReachable(host);
  }
  bool hasGraphs() const override { return true; }
  Status beginGraph(StreamKind stream) override;
  Result<uint32_t> endGraph(StreamKind stream) override;
  Status launchGraph(StreamKind stream, uint32_t graph) override;
  Status awaitHostWork(StreamKind stream, size_t count) override;

protected:
  std::atomic<uint32_t> &hostProgress() override { return hostFlag.count(); }

  /// One core is the driving thread's: without it copies are enqueued late, and
  /// the bus was seen to move half of what it can.
  unsigned hostThreads() const override {
    return std::max(1u, Backend::hostThreads() - 1);
  }
  Result<void *> allocateBytes(MemoryKind kind, uint64_t bytes) override;
  void releaseBytes(MemoryKind kind, void *data, uint64_t bytes) override;
  Status beginSpans() override;
  Status endSpans(std::vector<TraceSpan> &spans) override;

private:
  /// A thread's current device is CUDA's own state, and any one thread at a
  /// time may drive a backend. Where it fails, the next call fails too and says
  /// why.
  cudaError_t makeCurrent() const;
  Status checkNotCapturing(StreamKind stream) const;
  /// Calls enqueue(), measured and named where someone wants that.
  template <typename Enqueue>
  Status enqueued(StreamKind stream, const char *what, uint64_t bytes,
                  Enqueue enqueue) {
    (void)makeCurrent();
    if (!labelling)
      return toStatus(enqueue(), what);
    return watched(stream, what, bytes, enqueue);
  }
  template <typename Enqueue>
  Status watched(StreamKind stream, const char *what, uint64_t bytes,
                 Enqueue enqueue);
  cudaError_t copyHost(const cuda::CudaContext &context, std::byte *target,
                       const std::byte *source, uint64_t bytes,
                       cudaMemcpyKind kind);
  cudaStream_t streamOf(StreamKind stream) const {
    return contexts[static_cast<int>(stream)].stream;
  }

  int device = 0;
  cudaDeviceProp properties = {};
  cublasLtHandle_t blas = nullptr;
  cuda::CudaContext contexts[kStreamCount];
  cuda::Events events;
  cuda::HostMemory hostMemory;
  cuda::HostFlag hostFlag;
  cuda::Graphs graphs;
  cuda::Spans spans;
};

CudaBackend::~CudaBackend() {
  (void)makeCurrent();
  (void)Backend::waitHostWork(); // It counts in memory that goes here.
  graphs.clear();
  (void)cudaDeviceSynchronize();
  events.clear();
  for (cuda::CudaContext &context : contexts)
    if (context.stream)
      (void)cudaStreamDestroy(context.stream);
  if (blas)
    (void)cublasLtDestroy(blas);
  // Whatever failed above must not surface at another backend's launch.
  (void)cudaGetLastError();
}

Status CudaBackend::open(int index) {
  int count = 0;
  SLUICE_RETURN_IF_ERROR(
      toStatus(cudaGetDeviceCount(&count), "backend cuda: counting GPUs"));
  if (index < 0 || index >= count)
    return Status(ErrorCode::Device,
                  "backend cuda: device " + std::to_string(index) +
                      " was asked for, expected one of the " +
                      std::to_string(count) + " that CUDA sees");
  device = index;
  SLUICE_RETURN_IF_ERROR(
      toStatus(makeCurrent(), "backend cuda: opening the GPU"));
  SLUICE_RETURN_IF_ERROR(toStatus(cudaGetDeviceProperties(&properties, device),
                                  "backend cuda: reading the GPU's facts"));
  SLUICE_RETURN_IF_ERROR(
      toStatus(cublasLtCreate(&blas), "backend cuda: starting cuBLASLt"));
  for (cuda::CudaContext &context : contexts) {
    context.blas = blas;
    context.multiprocessors = properties.multiProcessorCount;
    context.architecture = cuda::kernelArchitecture();
    SLUICE_RETURN_IF_ERROR(toStatus(
        cudaStreamCreateWithFlags(&context.stream, cudaStreamNonBlocking),
        "backend cuda: making a stream"));
  }
  hostFlag.open();
  // Profilers name themselves this way to the program that they start.
  profiled = labelling = std::getenv("NVTX_INJECTION64_PATH") != nullptr;
  return Status::ok();
}

cudaError_t CudaBackend::makeCurrent() const {
  thread_local int current = -1;
  if (current == device)
    return cudaSuccess;
  cudaError_t code = cudaSetDevice(device);
  current = code == cudaSuccess ? device : -1;
  return code;
}

std::string CudaBackend::describe() const {
  char text[400];
  std::snprintf(text, sizeof text,
                "cuda: %s, %d multiprocessors, %.1f GiB, compute capability "
                "%d.%d",
                properties.name, properties.multiProcessorCount,
                static_cast<double>(properties.totalGlobalMem) / (1u << 30),
                properties.major, properties.minor);
  return text;
}

Result<KernelHandle> CudaBackend::findKernel(Kernel kernel,
                                             Arithmetic arithmetic) {
  cuda::CudaKernel found = cuda::findCudaKernel(kernel, arithmetic);
  if (!found)
    return Status(ErrorCode::Unsupported,
                  "backend cuda: kernel " +
                      std::to_string(static_cast<int>(kernel)) +
                      " is none that this build knows");
  return reinterpret_cast<KernelHandle>(found);
}

Status CudaBackend::launch(StreamKind stream, KernelHandle kernel,
                           const KernelArgs &args, int64_t rows) {
  if (!kernel || rows < 0)
    return Status(ErrorCode::InvalidArgument,
                  "backend cuda: launch of " +
                      std::string(kernel ? "a kernel" : "no kernel") +
                      " over " + std::to_string(rows) +
                      " rows, expected a kernel and 0 rows or more");
  if (rows == 0)
    return Status::ok();
  auto function = reinterpret_cast<cuda::CudaKernel>(kernel);
  return enqueued(stream, "backend cuda: launching a kernel", 0, [&] {
    return function(args, rows, contexts[static_cast<int>(stream)]);
  });
}

Status CudaBackend::copy(StreamKind stream, void *target, MemoryKind targetKind,
                         const void *source, MemoryKind sourceKind,
                         uint64_t bytes) {
  if (bytes == 0)
    return Status::ok();
  bool to = targetKind == MemoryKind::Device;
  bool from = sourceKind == MemoryKind::Device;
  cudaMemcpyKind kind =
      to ? (from ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice)
         : (from ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost);
  return enqueued(stream, "backend cuda: enqueuing a copy", bytes, [&] {
    if (kind == cudaMemcpyDeviceToDevice)
      return cudaMemcpyAsync(target, source, bytes, kind, streamOf(stream));
    return copyHost(contexts[static_cast<int>(stream)],
                    static_cast<std::byte *>(target),
                    static_cast<const std::byte *>(source), bytes, kind);
  });
}

Status CudaBackend::upload(StreamKind stream, void *target, const void *source,
                           uint64_t bytes) {
  SLUICE_RETURN_IF_ERROR(checkNotCapturing(stream));
  if (bytes == 0)
    return Status::ok();
  if (bytes > cuda::kInlineBytes)
    return copy(stream, target, MemoryKind::Device, source, MemoryKind::Host,
                bytes);
  return enqueued(stream, "backend cuda: enqueuing an upload", bytes, [&] {
    return cuda::inlineCopy(contexts[static_cast<int>(stream)], target, source,
                            bytes);
  });
}

cudaError_t CudaBackend::copyHost(const cuda::CudaContext &context,
                                  std::byte *target, const std::byte *source,
                                  uint64_t bytes, cudaMemcpyKind kind) {
  const void *host = kind == cudaMemcpyHostToDevice ? source : target;
  if (bytes <= cuda::kSmallCopyBytes && kind != cudaMemcpyHostToHost &&
      hostMemory.isReachable(host))
    return cuda::smallCopy(context, target, source, bytes);
  for (;;) {
    uint64_t part = bytes;
    if (kind != cudaMemcpyHostToDevice)
      part = hostMemory.together(target, part);
    if (kind != cudaMemcpyDeviceToHost)
      part = hostMemory.together(source, part);
    cudaError_t code =
        cudaMemcpyAsync(target, source, part, kind, context.stream);
    if (part == bytes || code != cudaSuccess)
      return code;
    target += part;
    source += part;
    bytes -= part;
  }
}

template <typename Enqueue>
Status CudaBackend::watched(StreamKind stream, const char *what, uint64_t bytes,
                            Enqueue enqueue) {
  if (profiled) {
    char text[80];
    std::snprintf(text, sizeof text, "%s layer %d expert %d", current.name,
                  current.layer, current.expert);
    nvtxRangePushA(text);
  }
  // Events inside a graph would be part of it; its launch is measured instead.
  bool measured = tracing && !graphs.isCapturing(streamOf(stream));
  cudaError_t code = cudaSuccess;
  if (measured)
    code = spans.open(current, stream, streamOf(stream), bytes);
  if (code == cudaSuccess) {
    code = enqueue();
    if (measured)
      if (cudaError_t closed = spans.close(streamOf(stream));
          code == cudaSuccess)
        code = closed;
  }
  if (profiled)
    nvtxRangePop();
  return toStatus(code, what);
}

Status CudaBackend::beginSpans() {
  (void)makeCurrent();
  return toStatus(spans.begin(clock, streamOf(StreamKind::Compute)),
                  "backend cuda: starting a trace");
}

Status CudaBackend::endSpans(std::vector<TraceSpan> &found) {
  (void)makeCurrent();
  return toStatus(spans.end(found), "backend cuda: reading a trace");
}

Status CudaBackend::checkNotCapturing(StreamKind stream) const {
  if (!graphs.isCapturing(streamOf(stream)))
    return Status::ok();
  return Status(ErrorCode::InvalidArgument,
                "backend cuda: stream " + std::string(sluice::name(stream)) +
                    " is recorded, expected only launches, copies and records");
}

Status CudaBackend::beginGraph(StreamKind stream) {
  (void)makeCurrent();
  return graphs.begin(streamOf(stream));
}

Result<uint32_t> CudaBackend::endGraph(StreamKind stream) {
  (void)makeCurrent();
  return graphs.end(streamOf(stream));
}

Status CudaBackend::launchGraph(StreamKind stream, uint32_t graph) {
  SLUICE_RETURN_IF_ERROR(graphs.check(graph));
  SLUICE_RETURN_IF_ERROR(checkNotCapturing(stream));
  return enqueued(stream, "backend cuda: launching a graph", 0, [&] {
    const cudaError_t code = graphs.launch(streamOf(stream), graph);
    if (code == cudaSuccess)
      events.launched(graphs.events(graph), streamOf(stream));
    return code;
  });
}

Status CudaBackend::reserveEvents(uint32_t count) {
  (void)makeCurrent();
  return events.reserve(count);
}

Status CudaBackend::record(StreamKind stream, uint32_t event) {
  SLUICE_RETURN_IF_ERROR(events.check(event));
  (void)makeCurrent();
  return events.record(event, streamOf(stream), graphs);
}

Status CudaBackend::report(StreamKind stream, std::span<const ReportPart> parts,
                           uint32_t event) {
  SLUICE_RETURN_IF_ERROR(events.check(event));
  uint64_t bytes = 0;
  bool reachable = true;
  for (const ReportPart &part : parts) {
    bytes += part.bytes;
    reachable = reachable && hostMemory.isReachable(part.target);
  }
  // Memory that is not pinned is not written when the next kernel begins.
  if (!reachable || !events.canReport(event))
    return Backend::report(stream, parts, event);
  if (parts.size() > cuda::kReportParts || bytes > cuda::kReportBytes) {
    for (const ReportPart &part : parts)
      SLUICE_RETURN_IF_ERROR(copy(stream, part.target, MemoryKind::Host,
                                  part.source, MemoryKind::Device, part.bytes));
    parts = {};
    bytes = 0;
  }
  return enqueued(stream, "backend cuda: enqueuing a report", bytes, [&] {
    return events.report(event, contexts[static_cast<int>(stream)], parts,
                         graphs);
  });
}

Status CudaBackend::wait(StreamKind stream, uint32_t event) {
  SLUICE_RETURN_IF_ERROR(events.check(event));
  SLUICE_RETURN_IF_ERROR(checkNotCapturing(stream));
  (void)makeCurrent();
  return events.wait(event, streamOf(stream));
}

Result<bool> CudaBackend::query(uint32_t event) {
  SLUICE_RETURN_IF_ERROR(events.check(event));
  (void)makeCurrent();
  return events.query(event);
}

Status CudaBackend::waitOnHost(uint32_t event) {
  SLUICE_RETURN_IF_ERROR(events.check(event));
  (void)makeCurrent();
  return events.waitOnHost(event);
}

Status CudaBackend::awaitHostWork(StreamKind stream, size_t count) {
  SLUICE_RETURN_IF_ERROR(checkNotCapturing(stream));
  if (!hostFlag.canWait())
    return waitHostWork();
  const std::optional<uint32_t> target = hostWorkTarget(count);
  if (!target)
    return Status::ok();
  (void)makeCurrent();
  return toStatus(hostFlag.wait(streamOf(stream), *target),
                  "backend cuda: waiting for host work on a stream");
}

Status CudaBackend::hostFunction(StreamKind stream, void (*function)(void *),
                                 void *context) {
  SLUICE_RETURN_IF_ERROR(checkNotCapturing(stream));
  return enqueued(stream, "backend cuda: enqueuing a host function", 0, [&] {
    return cudaLaunchHostFunc(streamOf(stream), function, context);
  });
}

Status CudaBackend::synchronize(StreamKind stream) {
  SLUICE_RETURN_IF_ERROR(checkNotCapturing(stream));
  (void)makeCurrent();
  return toStatus(cudaStreamSynchronize(streamOf(stream)),
                  "backend cuda: running enqueued work");
}

Status CudaBackend::synchronize() {
  // All of them, whatever fails: memory may be given back after this.
  Status first = Status::ok();
  for (int stream = 0; stream < kStreamCount; ++stream)
    if (Status status = synchronize(static_cast<StreamKind>(stream));
        !status && first)
      first = std::move(status);
  return first;
}

Result<void *> CudaBackend::allocateBytes(MemoryKind kind, uint64_t bytes) {
  (void)makeCurrent();
  if (kind == MemoryKind::Host)
    return hostMemory.allocate(device, bytes, progress);
  void *data = nullptr;
  if (cudaError_t code = cudaMalloc(&data, bytes); code != cudaSuccess) {
    Status failed = toStatus(code, "backend cuda");
    size_t unused = 0, total = 0;
    (void)cudaMemGetInfo(&unused, &total);
    return Status(failed.code(), std::string(failed.message()) + "; " +
                                     std::to_string(bytes) +
                                     " bytes of GPU memory were asked for, " +
                                     std::to_string(unused) + " of " +
                                     std::to_string(total) + " are free");
  }
  // The plan's streams do not wait for the default stream that clears.
  cudaError_t code = cudaMemset(data, 0, bytes);
  if (code == cudaSuccess)
    code = cudaDeviceSynchronize();
  if (code != cudaSuccess) {
    (void)cudaFree(data);
    return toStatus(code, "backend cuda: clearing GPU memory");
  }
  return data;
}

void CudaBackend::releaseBytes(MemoryKind kind, void *data, uint64_t) {
  (void)makeCurrent();
  if (kind == MemoryKind::Device) {
    (void)cudaFree(data);
    return;
  }
  hostMemory.release(data);
}

} // namespace

Result<std::unique_ptr<Backend>> makeCudaBackend(int device) {
  auto backend = std::make_unique<CudaBackend>();
  SLUICE_RETURN_IF_ERROR(backend->open(device));
  return Result<std::unique_ptr<Backend>>(std::move(backend));
}

} // namespace sluice
