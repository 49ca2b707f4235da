//===- backend.h - Streams, events, memory and launches ---------*- C++ -*-===//
//
// What a machine must offer to run a plan. A backend has one stream of each
// StreamKind; work on a stream runs in the order it was enqueued, streams
// against each other are ordered by events alone. tests/runtime/backend holds
// every backend to this page.
//
// One thread at a time drives a backend. Nothing here allocates on the heap,
// except allocate, reserveEvents, findKernel, prepareHostWork (and the first
// startHostWork without it), making a graph, a running trace, and failures.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"
#include "runtime/backend/allocation.h"
#include "runtime/backend/streams.h"
#include "runtime/backend/trace.h"
#include "runtime/core/status.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice {

class HostWork;
struct HostLaunch;
class VirtualDisk;

/// A kernel as the backend found it: a function of a type that only the backend
/// knows. Stays valid as long as the backend.
using KernelHandle = void (*)();

/// A copy of device memory to host memory, both of one backend.
struct ReportPart {
  void *target;
  const void *source;
  uint64_t bytes;
};

class Backend {
public:
  Backend();
  virtual ~Backend();

  /// "cpu", "cuda" or "sim".
  virtual const char *name() const = 0;
  /// One line for people: the device, its threads or memory.
  virtual std::string describe() const = 0;

  /// Microseconds on the clock that the work runs on, from any origin. Whoever
  /// reports how long steps took asks this one.
  virtual double clockUs() const;
  /// True when only that clock moves: kernels compute nothing and big copies
  /// move nothing, so that nobody needs to fill weights.
  virtual bool isVirtual() const { return false; }
  /// What reads of files take on that clock; not null where time is virtual.
  virtual VirtualDisk *virtualDisk() { return nullptr; }

  /// `bytes` of zeroed memory at a multiple of kMemoryAlignment; zero bytes
  /// give a null pointer. OutOfMemory names what was asked for and what there
  /// is.
  Result<Allocation> allocate(MemoryKind kind, uint64_t bytes);

  /// Is told by allocate, on the calling thread, how many of the bytes of one
  /// big host allocation are ready. Backends to which size costs no time never
  /// call it. Empty: nobody is told.
  using Progress = std::function<void(uint64_t done, uint64_t total)>;
  void setProgress(Progress report) { progress = std::move(report); }

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

  /// Copies a few `bytes` of host memory of this backend to device memory.
  /// They are read now or when the stream gets there: until then they stay as
  /// they are. Not for what is recorded in graphs.
  virtual Status upload(StreamKind stream, void *target, const void *source,
                        uint64_t bytes) {
    return copy(stream, target, MemoryKind::Device, source, MemoryKind::Host,
                bytes);
  }

  /// Marks the end of what is enqueued on `stream` so far. An event may be
  /// recorded again and again: a wait means the record enqueued last before it.
  virtual Status record(StreamKind stream, uint32_t event) = 0;

  /// Copies the parts and records `event`: what the driving thread waits for,
  /// which may see it sooner than after copies and a record.
  virtual Status report(StreamKind stream, std::span<const ReportPart> parts,
                        uint32_t event);

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

  /// Whether the point that the latest record of `event` marks is reached; true
  /// when it was never recorded. When true, work before that point is visible
  /// to the caller. Does not wait. A failure of the work may be reported here.
  virtual Result<bool> query(uint32_t event) = 0;
  /// The calling thread waits until query would say true. Meant for short
  /// waits: may spend the processor's time to return sooner.
  virtual Status waitOnHost(uint32_t event) = 0;

  /// Whether kernels of this backend read and write host memory at `host`, of
  /// an allocation of its own, where it lies. A copy to the device is needless
  /// then for what is read once.
  virtual bool kernelsReach(const void * /*host*/) const { return false; }

  /// Whether work of a stream can be recorded once and enqueued
  /// again by one call.
  virtual bool hasGraphs() const { return false; }
  /// From here to endGraph launches, copies, records and reports on `stream`
  /// are recorded and not run; KernelArgs are taken as they are now. Nothing
  /// else may be called for this stream meanwhile, and no other stream may be
  /// recorded. What is recorded should have run once before: libraries choose
  /// on first use. Each launch of the graph records the events anew, when it
  /// gets there or at its end.
  virtual Status beginGraph(StreamKind stream);
  /// Ends the recording, also after a failed launch, and gives the graph's
  /// number. Graphs live as long as the backend.
  virtual Result<uint32_t> endGraph(StreamKind stream);
  /// Enqueues what the graph recorded, on any stream.
  virtual Status launchGraph(StreamKind stream, uint32_t graph);

  /// Makes the threads of host work: `threads` in all, 0: one a core that the
  /// process may use (the CPU backend: as many as its kernels have). Call while
  /// no host work runs; what was there before goes.
  Status prepareHostWork(unsigned threads);
  /// Runs the launches in order on CPU threads of their own and returns at
  /// once. One job at a time (InvalidArgument else); `launches` and what they
  /// point to, host memory, stays until waitHostWork. Streams do not order it:
  /// its inputs must be done and visible to the caller, see waitOnHost.
  virtual Status startHostWork(std::span<const HostLaunch> launches);
  /// Returns when the job is done; its results are visible to the caller and to
  /// what is enqueued from here on. Without a job at once.
  virtual Status waitHostWork();
  /// What is enqueued on `stream` from here on starts when the first `count`
  /// launches of the job are done, all of them where it has fewer, and sees
  /// their results. Returns at once, or when the job is done where streams
  /// cannot wait for it. Without a job nothing is waited for.
  virtual Status awaitHostWork(StreamKind stream, size_t count) = 0;
  // A job of both halves of the same experts (expert_gate_up and expert_down
  // behind it) may be given less to do while it runs. Other jobs say 0.

  /// Takes back the last outputs of the second launch that no thread has begun:
  /// `outputs` of them, counted over its experts, or less. The job does not
  /// compute those; gives how many.
  virtual int64_t takeBackHostWork(int64_t outputs);
  /// Of the weights that the job reads the share that is still to be read, 0
  /// when every piece is begun. Not where time is virtual.
  double hostWorkLeft() const;
  /// Microseconds from the start of the last job to its end, on the clock of
  /// clockUs; 0 before the first. Call when waitHostWork has returned.
  virtual double hostWorkUs() const;

  /// Starts to measure what is enqueued from here on, and host work. Waits for
  /// what is enqueued before. InvalidArgument when a trace runs.
  Status startTrace();
  /// Names what is enqueued next, until the next label. Without a trace this
  /// costs one branch.
  void label(const TraceLabel &label) {
    if (labelling)
      current = label;
  }
  /// Waits for everything enqueued, ends the trace, and gives its spans sorted
  /// by start. InvalidArgument when no trace runs or host work still does.
  Result<std::vector<TraceSpan>> takeTrace();

  /// Internal when something wrote outside an allocation. Backends without
  /// guard bytes always say ok. Call while no work is enqueued.
  virtual Status checkGuards() const { return Status::ok(); }

protected:
  friend class Allocation;
  /// `bytes` is at least 1.
  virtual Result<void *> allocateBytes(MemoryKind kind, uint64_t bytes) = 0;
  virtual void releaseBytes(MemoryKind kind, void *data, uint64_t bytes) = 0;

  /// The threads of host work where nobody says how many.
  virtual unsigned hostThreads() const;
  /// Where host work counts the launches it has done, over all jobs. Asked for
  /// when its threads are made; stays until waitHostWork has returned for the
  /// last time. Who waits for it may sleep on it.
  virtual std::atomic<uint32_t> &hostProgress() { return launchesDone; }
  /// What that count is once the first `count` launches of the job are done;
  /// nothing where no job runs.
  std::optional<uint32_t> hostWorkTarget(size_t count) const;
  /// What startTrace and takeTrace need of a backend: `clock` has just started
  /// and all streams are idle; append the spans of the streams.
  virtual Status beginSpans() { return Status::ok(); }
  virtual Status endSpans(std::vector<TraceSpan> &) { return Status::ok(); }

  bool tracing = false;
  /// Whether a profiler reads labels, and whether labels are kept: for it or
  /// for a trace.
  bool profiled = false, labelling = false;
  TraceLabel current;
  TraceClock clock;
  Progress progress;

private:
  std::atomic<uint32_t> launchesDone{0};
  std::unique_ptr<HostWork> hostWork;
};

} // namespace sluice
