//===- backend.cpp - What all backends share ------------------------------===//

#include "runtime/backend/backend.h"
#include "runtime/backend/cpu/thread_pool.h"
#include "runtime/backend/host_work.h"
#include "runtime/backend/virtual_disk.h"
#include "runtime/core/fault.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <tuple>

namespace sluice {

const char *name(StreamKind stream) {
  constexpr const char *names[] = {"compute",   "demand", "prefetch",
                                   "copy-back", "host",   "disk"};
  static_assert(std::size(names) == kTrackCount);
  return names[static_cast<int>(stream)];
}

const char *name(MemoryKind kind) {
  return kind == MemoryKind::Device ? "device" : "host";
}

Allocation::~Allocation() {
  if (start)
    backend->releaseBytes(kind, start, size);
}

void Allocation::swap(Allocation &other) noexcept {
  std::swap(backend, other.backend);
  std::swap(kind, other.kind);
  std::swap(start, other.start);
  std::swap(size, other.size);
}

VirtualDisk::~VirtualDisk() = default;

Backend::Backend() = default;
Backend::~Backend() = default;

double Backend::clockUs() const {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<Allocation> Backend::allocate(MemoryKind kind, uint64_t bytes) {
  if (bytes == 0)
    return Allocation();
  if (faultHits(Fault::Alloc))
    return Status(ErrorCode::OutOfMemory,
                  "backend " + std::string(name()) + ": " +
                      std::to_string(bytes) + " bytes of " +
                      sluice::name(kind) +
                      " memory were asked for, SLUICE_FAULT=alloc refuses");
  SLUICE_ASSIGN_OR_RETURN(void *data, allocateBytes(kind, bytes));
  return Allocation(*this, kind, data, bytes);
}

namespace {
/// What every backend says to a call that does not fit its state.
Status misuse(const Backend &backend, const std::string &what) {
  return Status(ErrorCode::InvalidArgument,
                "backend " + std::string(backend.name()) + ": " + what);
}
Status noGraphs(const Backend &backend) {
  return Status(ErrorCode::Unsupported,
                "backend " + std::string(backend.name()) + ": has no graphs");
}
} // namespace

Status Backend::report(StreamKind stream, std::span<const ReportPart> parts,
                       uint32_t event) {
  for (const ReportPart &part : parts)
    SLUICE_RETURN_IF_ERROR(copy(stream, part.target, MemoryKind::Host,
                                part.source, MemoryKind::Device, part.bytes));
  return record(stream, event);
}

Status Backend::beginGraph(StreamKind) { return noGraphs(*this); }
Result<uint32_t> Backend::endGraph(StreamKind) { return noGraphs(*this); }
Status Backend::launchGraph(StreamKind, uint32_t) { return noGraphs(*this); }

unsigned Backend::hostThreads() const { return cpu::usableCores(); }

Status Backend::prepareHostWork(unsigned threads) {
  if (hostWork && !hostWork->isIdle())
    return misuse(*this, "new threads for host work while it runs, expected "
                         "a waitHostWork before");
  if (threads > cpu::kMaxThreads)
    return misuse(*this, std::to_string(threads) +
                             " threads for host work, expected at most " +
                             std::to_string(cpu::kMaxThreads));
  hostWork = std::make_unique<HostWork>(threads ? threads : hostThreads(),
                                        hostProgress());
  if (tracing)
    hostWork->trace(&clock);
  return Status::ok();
}

Status Backend::startHostWork(std::span<const HostLaunch> launches) {
  if (!hostWork)
    SLUICE_RETURN_IF_ERROR(prepareHostWork(0));
  if (!hostWork->isIdle())
    return misuse(*this, "host work was started while the last still runs, "
                         "expected a waitHostWork before");
  for (const HostLaunch &launch : launches)
    if (!HostWork::canRun(launch))
      return misuse(*this, "host work of kernel " +
                               std::to_string(int(launch.kernel)) + " over " +
                               std::to_string(launch.rows) +
                               " rows, expected a kernel and 0 rows or more");
  if (labelling)
    hostWork->label(current);
  hostWork->start(launches);
  return Status::ok();
}

Status Backend::waitHostWork() {
  if (hostWork)
    hostWork->wait();
  return Status::ok();
}

int64_t Backend::takeBackHostWork(int64_t outputs) {
  return hostWork ? hostWork->takeBack(outputs) : 0;
}

double Backend::hostWorkLeft() const { return hostWork ? hostWork->left() : 0; }

double Backend::hostWorkUs() const { return hostWork ? hostWork->lastUs() : 0; }

std::optional<uint32_t> Backend::hostWorkTarget(size_t count) const {
  if (!hostWork || hostWork->isIdle())
    return std::nullopt;
  hostWork->letGo();
  return hostWork->target(count);
}

Status Backend::startTrace() {
  if (tracing)
    return misuse(*this, "a trace was started while one runs");
  if (hostWork && !hostWork->isIdle())
    return misuse(*this, "a trace was started while host work runs");
  SLUICE_RETURN_IF_ERROR(synchronize());
  clock.start();
  SLUICE_RETURN_IF_ERROR(beginSpans());
  current = TraceLabel();
  tracing = labelling = true;
  if (hostWork)
    hostWork->trace(&clock);
  return Status::ok();
}

Result<std::vector<TraceSpan>> Backend::takeTrace() {
  if (!tracing)
    return misuse(*this, "a trace was taken, none runs");
  if (hostWork && !hostWork->isIdle())
    return misuse(*this, "a trace was taken while host work runs");
  tracing = false;
  labelling = profiled;
  Status done = synchronize();
  std::vector<TraceSpan> spans;
  if (hostWork) {
    hostWork->trace(nullptr);
    hostWork->takeSpans(spans);
  }
  Status ended = endSpans(spans);
  SLUICE_RETURN_IF_ERROR(std::move(done));
  SLUICE_RETURN_IF_ERROR(std::move(ended));
  std::sort(spans.begin(), spans.end(),
            [](const TraceSpan &a, const TraceSpan &b) {
              return std::tie(a.startUs, a.stream, a.endUs) <
                     std::tie(b.startUs, b.stream, b.endUs);
            });
  return spans;
}

} // namespace sluice
