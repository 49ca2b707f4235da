//===- cpu_backend.cpp - The reference backend ----------------------------===//

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/cpu/graph.h"
#include "runtime/backend/cpu/memory.h"
#include "runtime/backend/cpu/stream.h"
#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/core/fault.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

constexpr uint32_t kMaxEvents = 1 << 20;

class CpuBackend final : public Backend {
public:
  CpuBackend(unsigned threads, uint64_t guardBytes)
      : memory(guardBytes), pool(threads) {
    for (int i = 0; i < kStreamCount; ++i)
      streams[i] = std::make_unique<cpu::Stream>(
          static_cast<StreamKind>(i), cpu::makeParallel(pool), clock);
  }
  ~CpuBackend() override {
    // All streams must be idle before the first goes: one may wait for another.
    recorded.reset();
    (void)synchronize();
  }

  const char *name() const override { return "cpu"; }
  std::string describe() const override {
    return "cpu (" + std::to_string(pool.threads()) +
           (pool.threads() == 1 ? " thread)" : " threads)");
  }

  Status reserveEvents(uint32_t count) override {
    if (count > kMaxEvents)
      return Status(ErrorCode::InvalidArgument,
                    "cpu: " + std::to_string(count) +
                        " events asked for, expected at most " +
                        std::to_string(kMaxEvents));
    if (count > events.size())
      events.resize(count);
    return Status::ok();
  }

  Result<KernelHandle> findKernel(Kernel kernel, Arithmetic) override {
    if (cpu::CpuKernel function = cpu::findCpuKernel(kernel))
      return reinterpret_cast<KernelHandle>(function);
    return Status(ErrorCode::Unsupported, "cpu: no kernel has the number " +
                                              std::to_string(int(kernel)));
  }

  Status launch(StreamKind stream, KernelHandle kernel, const KernelArgs &args,
                int64_t rows) override {
    if (!kernel || rows < 0)
      return Status(ErrorCode::InvalidArgument,
                    "cpu: a launch of " + std::to_string(rows) +
                        " rows, expected a kernel and 0 or more");
    if (rows == 0)
      return Status::ok();
    auto function = reinterpret_cast<cpu::CpuKernel>(kernel);
    if (isRecording(stream)) {
      SLUICE_RETURN_IF_ERROR(refuseByFault("a launch in"));
      const KernelArgs &kept = recorded->args.emplace_back(args);
      recorded->commands.emplace_back(
          cpu::LaunchCommand{function, &kept, rows});
    } else {
      push(stream, cpu::LaunchCommand{function, &args, rows});
    }
    return Status::ok();
  }

  Status copy(StreamKind stream, void *target, MemoryKind, const void *source,
              MemoryKind, uint64_t bytes) override {
    if (bytes == 0)
      return Status::ok();
    cpu::CopyCommand command{target, source, bytes};
    if (isRecording(stream)) {
      SLUICE_RETURN_IF_ERROR(refuseByFault("a copy in"));
      recorded->commands.emplace_back(command);
    } else {
      push(stream, command);
    }
    return Status::ok();
  }

  Status record(StreamKind stream, uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    if (isRecording(stream))
      recorded->events.push_back(event);
    else
      events[event] = streams[int(stream)]->mark();
    return Status::ok();
  }

  Status wait(StreamKind stream, uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    SLUICE_RETURN_IF_ERROR(checkNotRecording(stream));
    push(stream, cpu::WaitCommand{events[event]});
    return Status::ok();
  }

  Status hostFunction(StreamKind stream, void (*function)(void *),
                      void *context) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecording(stream));
    push(stream, cpu::CallCommand{function, context});
    return Status::ok();
  }

  Status synchronize(StreamKind stream) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecording(stream));
    cpu::Mark mark = streams[int(stream)]->mark();
    mark.stream->awaitPosition(mark.position);
    return Status::ok();
  }

  Status synchronize() override {
    if (recorded)
      SLUICE_RETURN_IF_ERROR(checkNotRecording(recordingStream));
    std::array<cpu::Mark, kStreamCount> marks;
    for (int i = 0; i < kStreamCount; ++i)
      marks[i] = streams[i]->mark();
    for (const cpu::Mark &mark : marks)
      mark.stream->awaitPosition(mark.position);
    return Status::ok();
  }

  Result<bool> query(uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    const cpu::Mark &mark = events[event];
    return !mark.stream || mark.stream->isReached(mark.position);
  }

  Status waitOnHost(uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    if (const cpu::Mark &mark = events[event]; mark.stream)
      mark.stream->awaitPosition(mark.position);
    return Status::ok();
  }

  Status awaitHostWork(StreamKind stream, size_t count) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecording(stream));
    if (const std::optional<uint32_t> target = hostWorkTarget(count))
      push(stream, cpu::WorkCommand{&hostProgress(), *target});
    return Status::ok();
  }

  bool kernelsReach(const void *) const override {
    return !faultHits(Fault::Far);
  }
  bool hasGraphs() const override { return true; }
  Status beginGraph(StreamKind stream) override {
    if (recorded)
      return Status(ErrorCode::InvalidArgument,
                    "cpu: a graph was begun while one is recorded");
    SLUICE_RETURN_IF_ERROR(refuseByFault("the beginning of"));
    recorded = std::make_unique<cpu::Graph>();
    recordingStream = stream;
    return Status::ok();
  }
  Result<uint32_t> endGraph(StreamKind stream) override {
    if (!isRecording(stream))
      return Status(ErrorCode::InvalidArgument,
                    "cpu: the end of a graph on stream " +
                        std::string(sluice::name(stream)) +
                        ", expected its beginning before");
    std::unique_ptr<cpu::Graph> graph = std::move(recorded);
    SLUICE_RETURN_IF_ERROR(refuseByFault("the end of"));
    graphs.push_back(std::move(graph));
    return uint32_t(graphs.size() - 1);
  }
  Status launchGraph(StreamKind stream, uint32_t graph) override {
    if (graph >= graphs.size())
      return Status(ErrorCode::InvalidArgument,
                    "cpu: graph " + std::to_string(graph) +
                        ", expected below " + std::to_string(graphs.size()));
    SLUICE_RETURN_IF_ERROR(checkNotRecording(stream));
    push(stream, cpu::GraphCommand{graphs[graph].get()});
    for (uint32_t event : graphs[graph]->events)
      events[event] = streams[int(stream)]->mark();
    return Status::ok();
  }

  Status checkGuards() const override { return memory.checkGuards(); }

protected:
  Result<void *> allocateBytes(MemoryKind, uint64_t bytes) override {
    return memory.allocate(bytes);
  }
  void releaseBytes(MemoryKind, void *data, uint64_t) override {
    memory.release(data);
  }
  unsigned hostThreads() const override { return pool.threads(); }
  Status endSpans(std::vector<TraceSpan> &spans) override {
    for (auto &stream : streams)
      stream->takeSpans(spans);
    return Status::ok();
  }

private:
  template <typename T> void push(StreamKind stream, T command) {
    cpu::Command enqueued(command);
    if (tracing && enqueued.kind != cpu::Command::Kind::Wait &&
        enqueued.kind != cpu::Command::Kind::Work) {
      enqueued.traced = true;
      enqueued.label = current;
    }
    streams[int(stream)]->push(enqueued);
  }
  bool isRecording(StreamKind stream) const {
    return recorded && recordingStream == stream;
  }
  Status checkNotRecording(StreamKind stream) const {
    if (!isRecording(stream))
      return Status::ok();
    return Status(
        ErrorCode::InvalidArgument,
        "cpu: stream " + std::string(sluice::name(stream)) +
            " is recorded, expected only launches, copies and records");
  }
  /// A GPU may refuse a recording; here tests alone make it so.
  static Status refuseByFault(const char *what) {
    if (!faultHits(Fault::Graph))
      return Status::ok();
    return Status(ErrorCode::Device, std::string("cpu: ") + what +
                                         " a graph, SLUICE_FAULT=graph "
                                         "refuses");
  }
  Status checkEvent(uint32_t event) const {
    if (event < events.size())
      return Status::ok();
    return Status(ErrorCode::InvalidArgument,
                  "cpu: event " + std::to_string(event) + ", expected below " +
                      std::to_string(events.size()));
  }

  cpu::Memory memory;
  cpu::ThreadPool pool;
  std::vector<cpu::Mark> events;
  std::unique_ptr<cpu::Graph> recorded; ///< Null: nothing is recorded.
  StreamKind recordingStream = StreamKind::Compute;
  std::vector<std::unique_ptr<cpu::Graph>> graphs;
  std::array<std::unique_ptr<cpu::Stream>, kStreamCount> streams;
};

} // namespace

Result<std::unique_ptr<Backend>> makeCpuBackend(const CpuOptions &options) {
  unsigned threads = options.threads ? options.threads : cpu::usableCores();
  if (threads > cpu::kMaxThreads)
    return Status(ErrorCode::InvalidArgument,
                  "cpu: " + std::to_string(threads) +
                      " threads asked for, expected at most " +
                      std::to_string(cpu::kMaxThreads));
  uint64_t guard = (options.guardBytes + kMemoryAlignment - 1) /
                   kMemoryAlignment * kMemoryAlignment;
  return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(threads, guard));
}

} // namespace sluice
