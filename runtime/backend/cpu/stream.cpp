//===- stream.cpp - A stream of the CPU backend ---------------------------===//

#include "runtime/backend/cpu/stream.h"
#include "runtime/backend/cpu/graph.h"
#include "runtime/backend/host_work.h"

#include <cstring>

namespace sluice::cpu {
namespace {

void raise(std::atomic<uint32_t> &signal) {
  signal.fetch_add(1, std::memory_order_release);
  signal.notify_all();
}

/// Sleeps until ready() holds. Whoever makes it hold raises `signal` after.
template <typename Ready>
void sleepUntil(const std::atomic<uint32_t> &signal, Ready ready) {
  while (!ready()) {
    uint32_t seen = signal.load(std::memory_order_acquire);
    if (ready())
      return;
    signal.wait(seen, std::memory_order_acquire);
  }
}

} // namespace

Stream::Stream(StreamKind kind, const Parallel &parallel,
               const TraceClock &clock)
    : kind(kind), parallel(parallel), clock(clock),
      ring(std::make_unique<Command[]>(kRingSize)),
      worker([this] { workerLoop(); }) {}

Stream::~Stream() {
  push(Command(StopCommand()));
  worker.join();
}

void Stream::push(const Command &command) {
  uint64_t index = pushed.load(std::memory_order_relaxed);
  sleepUntil(doneSignal, [&] {
    return index - done.load(std::memory_order_acquire) < kRingSize;
  });
  ring[index % kRingSize] = command;
  pushed.store(index + 1, std::memory_order_release);
  raise(pushSignal);
}

Mark Stream::mark() {
  uint64_t position = pushed.load(std::memory_order_relaxed) + 1;
  push(Command(MarkCommand{position}));
  return {this, position};
}

void Stream::awaitPosition(uint64_t position) const {
  sleepUntil(reachedSignal, [&] { return isReached(position); });
}

void Stream::takeSpans(std::vector<TraceSpan> &target) {
  target.insert(target.end(), spans.begin(), spans.end());
  spans.clear();
}

void Stream::workerLoop() {
  for (uint64_t index = 0;; ++index) {
    sleepUntil(pushSignal,
               [&] { return pushed.load(std::memory_order_acquire) > index; });
    Command command = ring[index % kRingSize];
    if (command.traced)
      measure(command);
    else
      execute(command);
    done.store(index + 1, std::memory_order_release);
    raise(doneSignal);
    if (command.kind == Command::Kind::Stop)
      return;
  }
}

void Stream::measure(const Command &command) {
  double start = clock.now();
  execute(command);
  bool copies = command.kind == Command::Kind::Copy;
  spans.push_back({command.label, kind, start, clock.now(),
                   copies ? command.copy.bytes : 0});
}

void Stream::execute(const Command &command) {
  switch (command.kind) {
  case Command::Kind::Launch:
    command.launch.kernel(*command.launch.args, command.launch.rows, parallel);
    break;
  case Command::Kind::Copy:
    std::memcpy(command.copy.target, command.copy.source, command.copy.bytes);
    break;
  case Command::Kind::Mark:
    reached.store(command.mark.position, std::memory_order_release);
    raise(reachedSignal);
    break;
  case Command::Kind::Wait:
    if (command.wait.mark.stream)
      command.wait.mark.stream->awaitPosition(command.wait.mark.position);
    break;
  case Command::Kind::Work:
    HostWork::awaitTarget(*command.work.progress, command.work.target);
    break;
  case Command::Kind::Call:
    command.call.function(command.call.context);
    break;
  case Command::Kind::Graph:
    for (const Command &recorded : command.graph.graph->commands)
      execute(recorded);
    break;
  case Command::Kind::Stop:
    break;
  }
}

} // namespace sluice::cpu
