//===- sim_backend.cpp - A machine in virtual time ------------------------===//

#include "runtime/backend/sim/sim_backend.h"

#include "kernels/signatures.h"
#include "runtime/backend/host_work.h"
#include "runtime/backend/sim/disk.h"
#include "runtime/backend/sim/kernel_cost.h"
#include "runtime/backend/sim/memory.h"
#include "runtime/backend/sim/pending.h"
#include "runtime/backend/sim/timeline.h"
#include "runtime/backend/virtual_disk.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace sluice {
namespace {

using sim::CopyWork;
using sim::Graph;
using sim::Pending;
using sim::SimKernel;

constexpr uint32_t kMaxEvents = 1 << 20;
static_assert(sim::Timeline::kStreams == kStreamCount);

Status misuse(const std::string &what) {
  return Status(ErrorCode::InvalidArgument, "sim: " + what);
}

class SimBackend final : public Backend,
                         private sim::WorkRunner,
                         private VirtualDisk {
public:
  explicit SimBackend(const Hardware &hardware)
      : hardware(hardware), timeline(*this), disk(hardware.diskRead.value),
        launchCost(hardware.launchUs.value),
        smallCost(hardware.launchUs.value / 4) {
    for (int i = 0; i < kKernelCount; ++i)
      for (Arithmetic arithmetic : {Arithmetic::Portable, Arithmetic::Tensor})
        kernels[i][int(arithmetic)] = {findSignature(static_cast<Kernel>(i)),
                                       arithmetic};
    labelling = true;
  }

  const char *name() const override { return "sim"; }
  std::string describe() const override {
    return "sim (virtual time of " + hardware.name + ")";
  }
  bool isVirtual() const override { return true; }
  VirtualDisk *virtualDisk() override { return this; }
  double clockUs() const override { return now; }

  Status reserveEvents(uint32_t count) override {
    if (count > kMaxEvents)
      return misuse(std::to_string(count) +
                    " events asked for, expected at most " +
                    std::to_string(kMaxEvents));
    timeline.reserveEvents(count);
    return Status::ok();
  }

  Result<KernelHandle> findKernel(Kernel kernel,
                                  Arithmetic arithmetic) override {
    if (!findSignature(kernel))
      return Status(ErrorCode::Unsupported, "sim: no kernel has the number " +
                                                std::to_string(int(kernel)));
    return reinterpret_cast<KernelHandle>(
        &kernels[int(kernel)][int(arithmetic)]);
  }

  Status launch(StreamKind stream, KernelHandle kernel, const KernelArgs &args,
                int64_t rows) override {
    if (!kernel || rows < 0)
      return misuse("a launch of " + std::to_string(rows) +
                    " rows, expected a kernel and 0 or more");
    if (rows == 0)
      return Status::ok();
    Pending work = {};
    work.kind = Pending::Launch;
    work.launch = {reinterpret_cast<const SimKernel *>(kernel), &args, rows};
    enqueue(stream, work, launchCost);
    return Status::ok();
  }

  Status copy(StreamKind stream, void *target, MemoryKind targetKind,
              const void *source, MemoryKind sourceKind,
              uint64_t bytes) override {
    if (bytes > 0)
      enqueue(stream, copyOf(target, targetKind, source, sourceKind, bytes),
              launchCost);
    return Status::ok();
  }

  /// What travels with a launch takes no turn in the queue of copies.
  Status upload(StreamKind stream, void *target, const void *source,
                uint64_t bytes) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecorded(stream));
    return copy(stream, target, MemoryKind::Device, source, MemoryKind::Device,
                bytes);
  }
  bool kernelsReach(const void *) const override { return true; }

  Status record(StreamKind stream, uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    now += smallCost;
    if (recorded == stream)
      graphs.back().events.push_back(event);
    else
      timeline.record(int(stream), event, now);
    return Status::ok();
  }

  /// One launch writes all parts: the way to the host is gone once.
  Status report(StreamKind stream, std::span<const ReportPart> parts,
                uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    MemoryKind target = MemoryKind::Host;
    double cost = launchCost;
    for (const ReportPart &part : parts) {
      if (part.bytes == 0)
        continue;
      enqueue(stream,
              copyOf(part.target, target, part.source, MemoryKind::Device,
                     part.bytes),
              cost);
      target = MemoryKind::Device;
      cost = 0;
    }
    return record(stream, event);
  }

  Status wait(StreamKind stream, uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    SLUICE_RETURN_IF_ERROR(checkNotRecorded(stream));
    now += smallCost;
    timeline.wait(int(stream), event, now);
    return Status::ok();
  }

  Status hostFunction(StreamKind stream, void (*function)(void *),
                      void *context) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecorded(stream));
    Pending work = {};
    work.kind = Pending::Call;
    work.call = {function, context};
    enqueue(stream, work, launchCost);
    return Status::ok();
  }

  Status synchronize(StreamKind stream) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecorded(stream));
    waitUntil(timeline.finishStream(int(stream)));
    return Status::ok();
  }
  Status synchronize() override {
    double end = 0;
    for (int stream = 0; stream < kStreamCount; ++stream)
      end = std::max(end, timeline.finishStream(stream));
    waitUntil(end);
    return Status::ok();
  }

  Result<bool> query(uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    now += smallCost;
    timeline.advanceTo(now);
    return timeline.reached(event, now);
  }
  Status waitOnHost(uint32_t event) override {
    SLUICE_RETURN_IF_ERROR(checkEvent(event));
    waitUntil(timeline.finishEvent(event));
    return Status::ok();
  }

  bool hasGraphs() const override { return true; }
  Status beginGraph(StreamKind stream) override {
    if (recorded)
      return misuse("a graph was begun while another is recorded");
    graphs.emplace_back();
    recorded = stream;
    return Status::ok();
  }
  Result<uint32_t> endGraph(StreamKind stream) override {
    if (recorded != stream)
      return misuse("a graph was ended, none is recorded on that stream");
    recorded.reset();
    return uint32_t(graphs.size() - 1);
  }
  Status launchGraph(StreamKind stream, uint32_t graph) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecorded(stream));
    if (graph >= graphs.size())
      return misuse("graph " + std::to_string(graph) +
                    " was launched, expected one of the " +
                    std::to_string(graphs.size()) + " recorded");
    now += launchCost;
    for (const Pending &node : graphs[graph].nodes)
      push(stream, node);
    for (uint32_t event : graphs[graph].events)
      timeline.record(int(stream), event, now);
    return Status::ok();
  }

  Status startHostWork(std::span<const HostLaunch> launches) override {
    if (hostRunning)
      return misuse("host work was started while the last still runs, "
                    "expected a waitHostWork before");
    for (const HostLaunch &launch : launches)
      if (!HostWork::canRun(launch))
        return misuse("host work of kernel " +
                      std::to_string(int(launch.kernel)) + " over " +
                      std::to_string(launch.rows) +
                      " rows, expected a kernel and 0 rows or more");
    now += launchCost;
    double us = 0, bytes = 0;
    for (const HostLaunch &launch : launches)
      if (launch.rows > 0) {
        us += sim::hostKernelUs(hardware, launch.kernel, launch.args,
                                launch.rows);
        bytes += sim::hostKernelBytes(launch.kernel, launch.args, launch.rows);
      }
    hostOutputs = 0;
    outputEachUs = 0;
    if (HostWork::areHalves(launches) && us > 0) {
      const HostLaunch &down = launches[1];
      hostOutputs =
          std::llround(sim::activeExperts(down.args, down.rows).count *
                       static_cast<double>(down.args.dim[2]));
      outputEachUs =
          sim::hostKernelUs(hardware, down.kernel, down.args, down.rows) /
          static_cast<double>(hostOutputs);
    }
    hostReadUs = us;
    hostOwnUs = us > 0 ? hardware.hostJobUs.value : 0;
    timeline.startJob({us + hostOwnUs, rateOf(bytes, us)}, now);
    hostRunning = true;
    hostLaunches = launches.size();
    hostStart = now;
    hostSpan = {current, kHostTrack, now - traceStart, 0,
                hostOutputs > 0 ? static_cast<uint64_t>(bytes) : 0};
    outputBytes =
        bytes / 3 / static_cast<double>(std::max(hostOutputs, int64_t{1}));
    return Status::ok();
  }
  Status waitHostWork() override {
    if (!hostRunning)
      return Status::ok();
    const double end = timeline.finishJob();
    hostRunning = false;
    hostUs = end - hostStart;
    if (tracing) {
      hostSpan.endUs = end - traceStart;
      spans.push_back(hostSpan);
    }
    waitUntil(end);
    return Status::ok();
  }
  // Of a part of a job only its end would be known: it is taken to be there.
  // A stream sees the end of all a little later.
  Status awaitHostWork(StreamKind stream, size_t count) override {
    SLUICE_RETURN_IF_ERROR(checkNotRecorded(stream));
    now += smallCost;
    if (hostRunning && count >= hostLaunches)
      timeline.waitForJob(int(stream), now, hardware.hostJoinUs());
    return Status::ok();
  }
  int64_t takeBackHostWork(int64_t outputs) override {
    if (!hostRunning || outputEachUs == 0)
      return 0;
    const double most = timeline.shortenJob(
        static_cast<double>(std::min(outputs, hostOutputs)) * outputEachUs,
        now);
    const auto taken = std::llround(most / outputEachUs);
    hostReadUs = std::max(0.0, hostReadUs - most);
    hostOutputs -= taken;
    hostSpan.bytes -=
        static_cast<uint64_t>(static_cast<double>(taken) * outputBytes);
    return taken;
  }
  double hostWorkUs() const override { return hostUs; }

protected:
  Result<void *> allocateBytes(MemoryKind, uint64_t bytes) override {
    return sim::reservePages(bytes);
  }
  void releaseBytes(MemoryKind, void *data, uint64_t bytes) override {
    sim::releasePages(data, bytes);
  }
  Status beginSpans() override {
    if (hostRunning)
      return misuse("a trace was started while host work runs");
    traceStart = now;
    disk.forget(now);
    return Status::ok();
  }
  Status endSpans(std::vector<TraceSpan> &into) override {
    if (hostRunning)
      return misuse("a trace was taken while host work runs");
    into.insert(into.end(), spans.begin(), spans.end());
    spans.clear();
    disk.spans(traceStart, now, into);
    labelling = true; // Graphs keep the labels with which they are recorded.
    return Status::ok();
  }

private:
  double startRead(uint64_t bytes, const TraceLabel &label) override {
    now += launchCost;
    if (!tracing)
      disk.forget(now);
    return disk.start(bytes, now, label);
  }
  bool isOver(double end) const override { return end <= now; }
  void waitForRead(double end) override { waitUntil(end); }

  Status checkEvent(uint32_t event) const {
    if (event < timeline.events())
      return Status::ok();
    return misuse("event " + std::to_string(event) + ", expected below " +
                  std::to_string(timeline.events()));
  }

  Status checkNotRecorded(StreamKind stream) const {
    if (recorded != stream)
      return Status::ok();
    return misuse("stream " + std::string(sluice::name(stream)) +
                  " is recorded as a graph, expected launches, copies and "
                  "records alone until endGraph");
  }

  /// The host waits for something that ends, or ended, at `time`.
  void waitUntil(double time) {
    now = time > now ? time + hardware.syncUs.value : now + smallCost;
  }

  static Pending copyOf(void *target, MemoryKind targetKind, const void *source,
                        MemoryKind sourceKind, uint64_t bytes) {
    Pending work = {};
    work.kind = Pending::Copy;
    work.copy = {target, source, targetKind, sourceKind, bytes};
    return work;
  }

  void enqueue(StreamKind stream, Pending work, double cost) {
    now += cost;
    work.label = current;
    if (recorded != stream) {
      push(stream, work);
      return;
    }
    Graph &graph = graphs.back();
    if (work.kind == Pending::Launch) {
      graph.args.push_back(*work.launch.args);
      work.launch.args = &graph.args.back();
    }
    graph.nodes.push_back(work);
  }

  void push(StreamKind stream, const Pending &work) {
    uint64_t tag = pending.size();
    if (unused.empty()) {
      pending.push_back(work);
    } else {
      tag = unused.back();
      unused.pop_back();
      pending[tag] = work;
    }
    timeline.enqueue(int(stream), {engineOf(work), tag}, now);
  }

  double copyUs(const CopyWork &copy) const {
    double bytes = double(copy.bytes);
    if (copy.targetKind != copy.sourceKind)
      return copy.targetKind == MemoryKind::Device
                 ? hardware.hostToDeviceUs(bytes)
                 : hardware.deviceToHostUs(bytes);
    // Every byte is read and written; GB/s are 1e3 bytes a microsecond.
    double rate = copy.targetKind == MemoryKind::Device
                      ? hardware.deviceBandwidth.value
                      : hardware.hostRead.value;
    return 2 * bytes / (rate * 1e3);
  }

  /// GB/s of `bytes` in `us`; 0 for nothing.
  static double rateOf(double bytes, double us) {
    return us > 0 ? bytes / us / 1e3 : 0;
  }

  sim::Slowdown together(double copyRate, double jobRate) override {
    if (copyRate <= 0 || jobRate <= 0)
      return {};
    // The rate is that of the job's experts. What it costs beside them reads
    // nothing: it takes no longer, and the copy is as fast as alone meanwhile.
    const HostRates both = hardware.together({copyRate, jobRate});
    const double reading = hostReadUs * jobRate / both.experts;
    const double all = reading + hostOwnUs;
    if (all <= 0)
      return {};
    return {all / (reading * both.bus / copyRate + hostOwnUs),
            all / (hostReadUs + hostOwnUs)};
  }

  sim::Cost begin(const sim::Work &item) override {
    const Pending &work = pending[item.tag];
    switch (work.kind) {
    case Pending::Launch:
      return {sim::kernelUs(hardware, work.launch.kernel->signature->kernel,
                            work.launch.kernel->arithmetic, *work.launch.args,
                            work.launch.rows)};
    case Pending::Copy:
      if (work.copy.bytes <= kSimCopiedBytes)
        std::memcpy(work.copy.target, work.copy.source, work.copy.bytes);
      return {copyUs(work.copy),
              rateOf(double(work.copy.bytes), copyUs(work.copy))};
    case Pending::Call:
      work.call.function(work.call.context);
      return {};
    }
    return {};
  }

  void ran(int stream, const sim::Work &item, double start,
           double end) override {
    const Pending &work = pending[item.tag];
    if (tracing && work.kind != Pending::Call) {
      TraceSpan span{work.label, static_cast<StreamKind>(stream),
                     start - traceStart, end - traceStart, 0};
      if (work.kind == Pending::Copy)
        span.bytes = work.copy.bytes;
      if (span.label.name[0] == '\0')
        span.label.name = work.kind == Pending::Copy
                              ? "copy"
                              : work.launch.kernel->signature->name;
      spans.push_back(span);
    }
    unused.push_back(item.tag);
  }

  void moved(int stream, double saidStart, double start, double end) override {
    const double said = saidStart - traceStart;
    for (auto span = spans.rbegin(); span != spans.rend(); ++span)
      if (span->stream == static_cast<StreamKind>(stream) &&
          span->startUs == said) {
        span->startUs = start - traceStart;
        span->endUs = end - traceStart;
        return;
      }
  }

  const Hardware hardware;
  sim::Timeline timeline;
  sim::Disk disk;
  const double launchCost; ///< Of the host for a launch or a copy.
  const double smallCost;  ///< For everything else.
  SimKernel kernels[kKernelCount][2];

  double now = 0;
  bool hostRunning = false;
  size_t hostLaunches = 0;                  ///< Of the job that runs.
  int64_t hostOutputs = 0;                  ///< That takeBackHostWork can take.
  double outputEachUs = 0, outputBytes = 0; ///< What each takes and reads.
  double hostReadUs = 0, hostOwnUs = 0; ///< Alone, of its experts; beside them.
  double hostStart = 0, hostUs = 0;     ///< When it began; what the last took.
  TraceSpan hostSpan;                   ///< Of the host work that runs.
  std::vector<Pending> pending;
  std::vector<uint64_t> unused; ///< Places of `pending` to use again.
  std::deque<Graph> graphs;
  std::optional<StreamKind> recorded; ///< The stream of the last graph.
  double traceStart = 0;
  std::vector<TraceSpan> spans;
};

} // namespace

Result<std::unique_ptr<Backend>> makeSimBackend(const Hardware &hardware) {
  for (const Curve *curve :
       {&hardware.hostToDevice, &hardware.deviceToHost, &hardware.hostExpert})
    if (curve->points.empty())
      return misuse(hardware.name + ": a curve of the hardware is empty, "
                                    "expected at least one point");
  for (const Figure *figure :
       {&hardware.deviceBandwidth, &hardware.tensorTflops,
        &hardware.vectorTflops, &hardware.hostRead, &hardware.diskRead,
        &hardware.launchUs, &hardware.graphNodeUs, &hardware.syncUs})
    if (!(figure->value > 0))
      return misuse(hardware.name + ": a figure of the hardware is " +
                    std::to_string(figure->value) + ", expected above 0");
  return std::unique_ptr<Backend>(std::make_unique<SimBackend>(hardware));
}

} // namespace sluice
