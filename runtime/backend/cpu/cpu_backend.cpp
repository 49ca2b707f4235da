//===- cpu_backend.cpp - The reference backend ----------------------------===//

#include "runtime/backend/cpu/memory.h"
#include "runtime/backend/cpu/stream.h"
#include "runtime/backend/cpu/thread_pool.h"

#include <algorithm>
#include <array>
#include <sched.h>

namespace sluice {
namespace {

constexpr unsigned kMaxThreads = 1024;
constexpr uint32_t kMaxEvents = 1 << 20;

/// Cores this process may run on: a container often has fewer than the machine.
unsigned usableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  return std::max(1, CPU_COUNT(&set));
}

cpu::Parallel makeParallel(cpu::ThreadPool &pool) {
  if (pool.threads() == 1)
    return {};
  return {&pool, [](void *pool, int64_t count, cpu::ThreadPool::Body body,
                    void *context) {
            static_cast<cpu::ThreadPool *>(pool)->run(count, body, context);
          }};
}

class CpuBackend final : public Backend {
public:
  CpuBackend(unsigned threads, uint64_t guardBytes)
      : memory(guardBytes), pool(threads) {
    for (auto &stream : streams)
      stream = std::make_unique<cpu::Stream>(makeParallel(pool));
  }
  ~CpuBackend() override {
    // All streams must be idle before the first goes: one may wait for another.
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
    if (rows > 0)
      push(stream, cpu::LaunchCommand{reinterpret_cast<cpu::CpuKernel>(kernel),
                                      &args, rows});
    return Status::ok();
  }

  Status copy(StreamKind stream, void *target, MemoryKind, const void *source,
              MemoryKind, uint64_t bytes) override {
    if (bytes > 0)
      push(stream, cpu::CopyCommand{target, source, bytes});
    return Status::ok();
  }

  Status record(StreamKind stream, uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    events[event] = streams[int(stream)]->mark();
    return Status::ok();
  }

  Status wait(StreamKind stream, uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    push(stream, cpu::WaitCommand{events[event]});
    return Status::ok();
  }

  Status hostFunction(StreamKind stream, void (*function)(void *),
                      void *context) override {
    push(stream, cpu::CallCommand{function, context});
    return Status::ok();
  }

  Status synchronize(StreamKind stream) override {
    cpu::Mark mark = streams[int(stream)]->mark();
    mark.stream->awaitPosition(mark.position);
    return Status::ok();
  }

  Status synchronize() override {
    std::array<cpu::Mark, kStreamCount> marks;
    for (int i = 0; i < kStreamCount; ++i)
      marks[i] = streams[i]->mark();
    for (const cpu::Mark &mark : marks)
      mark.stream->awaitPosition(mark.position);
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

private:
  template <typename T> void push(StreamKind stream, T command) {
    streams[int(stream)]->push(cpu::Command(command));
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
  std::array<std::unique_ptr<cpu::Stream>, kStreamCount> streams;
};

} // namespace

Result<std::unique_ptr<Backend>> makeCpuBackend(const CpuOptions &options) {
  unsigned threads = options.threads ? options.threads : usableCores();
  if (threads > kMaxThreads)
    return Status(ErrorCode::InvalidArgument,
                  "cpu: " + std::to_string(threads) +
                      " threads asked for, expected at most " +
                      std::to_string(kMaxThreads));
  uint64_t guard = (options.guardBytes + kMemoryAlignment - 1) /
                   kMemoryAlignment * kMemoryAlignment;
  return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(threads, guard));
}

} // namespace sluice
