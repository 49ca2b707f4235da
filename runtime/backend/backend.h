//===- backend.h - Streams, events, memory and launches ---------*- C++ -*-===//
//
// What a machine must offer to run a plan. A backend has one stream of each
// StreamKind; work on a stream runs in the order it was enqueued, streams
// against each other are ordered by events alone. tests/runtime/backend holds
// every backend to this page.
//
// One thread at a time drives a backend. Nothing here allocates on the heap,
// except allocate, reserveEvents, findKernel and failures.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/core/status.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

/// The streams of a backend. The order is that of plan.fbs.
enum class StreamKind : uint8_t { Compute, Demand, Prefetch, CopyBack };
inline constexpr int kStreamCount = 4;
const char *name(StreamKind stream);

/// Where memory lies. Host memory is pinned when the backend can pin, and
/// always directly readable and writable by the caller; device memory is only
/// reached through copies and kernels. The order is that of plan.fbs.
enum class MemoryKind : uint8_t { Device, Host };
const char *name(MemoryKind kind);

/// Memory from any backend starts at a multiple of this.
inline constexpr uint64_t kMemoryAlignment = 256;

class Backend;

/// Owned memory of a backend; gives it back when destroyed. Must not outlive
/// the backend, and no enqueued work may still use it.
class Allocation {
public:
  Allocation() = default;
  Allocation(Backend &backend, MemoryKind kind, void *data, uint64_t bytes)
      : backend(&backend), kind(kind), start(data), size(bytes) {}
  Allocation(Allocation &&other) noexcept { swap(other); }
  Allocation &operator=(Allocation &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Allocation();

  std::byte *data() const { return static_cast<std::byte *>(start); }
  uint64_t bytes() const { return size; }

private:
  void swap(Allocation &other) noexcept;

  Backend *backend = nullptr;
  MemoryKind kind = MemoryKind::Host;
  void *start = nullptr;
  uint64_t size = 0;
};

/// A kernel as the backend found it: a function of a type that only the backend
/// knows. Stays valid as long as the backend.
using KernelHandle = void (*)();

class Backend {
public:
  virtual ~Backend();

  /// "cpu" or "cuda".
  virtual const char *name() const = 0;
  /// One line for people: the device, its threads or memory.
  virtual std::string describe() const = 0;

  /// `bytes` of zeroed memory at a multiple of kMemoryAlignment; zero bytes
  /// give a null pointer. OutOfMemory names what was asked for and what there
  /// is.
  Result<Allocation> allocate(MemoryKind kind, uint64_t bytes);

  /// Makes the events 0 .. count-1 usable; those that exist already keep their
  /// state. Call while no work is enqueued.
  virtual Status reserveEvents(uint32_t count) = 0;

  /// Finds the function for a kernel. A backend without matrix units gives the
  /// portable function for both classes. Unsupported when there is none.
  virtual Result<KernelHandle> findKernel(Kernel kernel,
                                          Arithmetic arithmetic) = 0;

  // What follows enqueues work and returns at once (or waits for room in the
  // queue). A failure of the work itself, later, is reported by synchronize.

  /// Runs `kernel` over `rows` rows. `args` is read when the work runs, so it
  /// must stay as it is until a synchronize. Zero rows do nothing.
  virtual Status launch(StreamKind stream, KernelHandle kernel,
                        const KernelArgs &args, int64_t rows) = 0;

  /// Copies `bytes` from `source` to `target`, each memory of this backend of
  /// the kind given; the ranges do not overlap.
  virtual Status copy(StreamKind stream, void *target, MemoryKind targetKind,
                      const void *source, MemoryKind sourceKind,
                      uint64_t bytes) = 0;

  /// Marks the end of what is enqueued on `stream` so far. An event may be
  /// recorded again and again: a wait means the record enqueued last before it.
  virtual Status record(StreamKind stream, uint32_t event) = 0;

  /// What is enqueued on `stream` from here on starts after the point that the
  /// latest record of `event` marks. Waiting for an event that was never
  /// recorded waits for nothing.
  virtual Status wait(StreamKind stream, uint32_t event) = 0;

  /// Calls `function(context)` on a thread of the backend when the stream gets
  /// there. It must not call the backend.
  virtual Status hostFunction(StreamKind stream, void (*function)(void *),
                              void *context) = 0;

  /// Returns when everything enqueued on `stream` is done, with the first
  /// failure since the last synchronize. Work done is visible to the caller.
  virtual Status synchronize(StreamKind stream) = 0;
  /// The same for all streams.
  virtual Status synchronize() = 0;

  /// Internal when something wrote outside an allocation. Backends without
  /// guard bytes always say ok. Call while no work is enqueued.
  virtual Status checkGuards() const { return Status::ok(); }

protected:
  friend class Allocation;
  /// `bytes` is at least 1.
  virtual Result<void *> allocateBytes(MemoryKind kind, uint64_t bytes) = 0;
  virtual void releaseBytes(MemoryKind kind, void *data, uint64_t bytes) = 0;
};

/// How to make the CPU backend.
struct CpuOptions {
  /// Threads that share the work of a kernel; 0: one a core the process may
  /// use.
  unsigned threads = 0;
  /// Bytes of a known pattern before and after every allocation, which
  /// checkGuards looks at. Rounded up to kMemoryAlignment.
  uint64_t guardBytes = 0;
};

/// The reference backend: a worker thread a stream and real events, so that a
/// wrong schedule shows. Errors: InvalidArgument for more than 1024 threads.
Result<std::unique_ptr<Backend>> makeCpuBackend(const CpuOptions &options = {});

} // namespace sluice
