//===- stream.cpp - A stream of the CPU backend ---------------------------===//

#include "runtime/backend/cpu/stream.h"

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

Stream::Stream(const Parallel &parallel)
    : parallel(parallel), ring(std::make_unique<Command[]>(kRingSize)),
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
  sleepUntil(reachedSignal, [&] {
    return reached.load(std::memory_order_acquire) >= position;
  });
}

void Stream::workerLoop() {
  for (uint64_t index = 0;; ++index) {
    sleepUntil(pushSignal,
               [&] { return pushed.load(std::memory_order_acquire) > index; });
    Command command = ring[index % kRingSize];
    execute(command);
    done.store(index + 1, std::memory_order_release);
    raise(doneSignal);
    if (command.kind == Command::Kind::Stop)
      return;
  }
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
  case Command::Kind::Call:
    command.call.function(command.call.context);
    break;
  case Command::Kind::Stop:
    break;
  }
}

} // namespace sluice::cpu
