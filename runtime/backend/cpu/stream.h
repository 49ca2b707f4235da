//===- stream.h - A stream of the CPU backend -------------------*- C++ -*-===//
//
// A worker thread behind a ring of commands that is allocated once. An event is
// a position of a stream: recording enqueues a mark, waiting sleeps until the
// stream has reached it. So one event may be recorded on any stream, any number
// of times, and a wait keeps the meaning it had when it was enqueued.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/registry.h"
#include "runtime/backend/trace.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::cpu {

class Stream;
struct Graph;

/// A point of a stream; a null stream is a point that was always reached.
struct Mark {
  const Stream *stream = nullptr;
  uint64_t position = 0;
};

struct LaunchCommand {
  CpuKernel kernel;
  const KernelArgs *args;
  int64_t rows;
};
struct CopyCommand {
  void *target;
  const void *source;
  uint64_t bytes;
};
struct MarkCommand {
  uint64_t position;
};
struct WaitCommand {
  Mark mark;
};
/// Until host work has reached a target, see HostWork.
struct WorkCommand {
  const std::atomic<uint32_t> *progress;
  uint32_t target;
};
struct CallCommand {
  void (*function)(void *);
  void *context;
};
struct GraphCommand {
  const Graph *graph;
};
struct StopCommand {};

struct Command {
  enum class Kind : uint8_t {
    Launch,
    Copy,
    Mark,
    Wait,
    Work,
    Call,
    Graph,
    Stop
  };

  explicit Command(LaunchCommand command)
      : kind(Kind::Launch), launch(command) {}
  explicit Command(CopyCommand command) : kind(Kind::Copy), copy(command) {}
  explicit Command(MarkCommand command) : kind(Kind::Mark), mark(command) {}
  explicit Command(WaitCommand command) : kind(Kind::Wait), wait(command) {}
  explicit Command(WorkCommand command) : kind(Kind::Work), work(command) {}
  explicit Command(CallCommand command) : kind(Kind::Call), call(command) {}
  explicit Command(GraphCommand command) : kind(Kind::Graph), graph(command) {}
  explicit Command(StopCommand command) : kind(Kind::Stop), stop(command) {}
  Command() : Command(StopCommand()) {}

  Kind kind;
  bool traced = false;
  TraceLabel label; ///< When traced.
  union {
    LaunchCommand launch;
    CopyCommand copy;
    MarkCommand mark;
    WaitCommand wait;
    WorkCommand work;
    CallCommand call;
    GraphCommand graph;
    StopCommand stop;
  };
};

class Stream {
public:
  /// Commands that are traced are measured against `clock`, which stays alive.
  Stream(StreamKind kind, const Parallel &parallel, const TraceClock &clock);
  /// Finishes what is enqueued.
  ~Stream();
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  /// Enqueues a command; waits while the ring is full. That wait always ends:
  /// a wait's mark was enqueued before the wait.
  void push(const Command &command);
  /// Enqueues a mark and returns it.
  Mark mark();
  /// Blocks until the stream has reached `position`.
  void awaitPosition(uint64_t position) const;
  /// Whether the stream has reached `position`. What it did before is visible.
  bool isReached(uint64_t position) const {
    return reached.load(std::memory_order_acquire) >= position;
  }
  /// Appends the spans of traced commands to `target` and forgets them. Call
  /// when the stream has reached a mark and nothing was enqueued after it.
  void takeSpans(std::vector<TraceSpan> &target);

private:
  void workerLoop();
  void execute(const Command &command);
  void measure(const Command &command);

  static constexpr uint64_t kRingSize = 1024;

  const StreamKind kind;
  const Parallel parallel;
  const TraceClock &clock;
  std::unique_ptr<Command[]> ring;
  std::vector<TraceSpan> spans; ///< The worker's, while it runs.
  // Commands pushed and done since the beginning. 64 bits, so that they never
  // wrap; threads sleep on the 32-bit words, which a futex can watch.
  std::atomic<uint64_t> pushed{0};
  std::atomic<uint64_t> done{0};
  std::atomic<uint64_t> reached{0};
  std::atomic<uint32_t> pushSignal{0};
  std::atomic<uint32_t> doneSignal{0};
  mutable std::atomic<uint32_t> reachedSignal{0};
  std::thread worker;
};

} // namespace sluice::cpu
