//===- assign_streams.cpp - Streams and the events between them -----------===//
//
// Gives each instruction its stream, then walks the entry once. Per stream it
// keeps a vector clock of what is known to be finished; a dependency that the
// clock does not cover yet costs an event, all others are implied. That is the
// transitive reduction of the dependencies between streams.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/accesses.h"
#include "compiler/analysis/stream_clocks.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "assign-streams"

namespace sluice {
#define GEN_PASS_DEF_ASSIGNSTREAMS
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

constexpr size_t kStreams = plan::kStreamCount;

using Buffers = llvm::DenseSet<Operation *>;

/// Uploads do not hold up the kernels before their first use, and downloads do
/// not hold up those behind them; but what the host waits for in the middle of
/// a step goes the short way, behind the kernel that made it.
Stream choose(Operation *op, const Buffers &readByHost) {
  if (isa<planir::FetchOp>(op))
    return Stream::Demand;
  if (auto copy = dyn_cast<CopyOp>(op)) {
    auto target = copy.getTarget().getDefiningOp<BufferOp>();
    if (target.getArenaOp().getMemory() == Memory::Device)
      return Stream::Demand;
    return readByHost.contains(target) ? Stream::Compute : Stream::CopyBack;
  }
  return Stream::Compute;
}

/// True for an event that the host waits for: it was recorded on purpose, the
/// others are made here.
bool isForHost(RecordOp record) {
  return llvm::any_of(record.getEvent().getUsers(),
                      [](Operation *user) { return isa<DemandOp>(user); });
}

void setStream(Operation *op, Stream stream) {
  if (auto launch = dyn_cast<LaunchOp>(op))
    launch.setStream(stream);
  else if (auto copy = dyn_cast<CopyOp>(op))
    copy.setStream(stream);
  else if (auto fetch = dyn_cast<planir::FetchOp>(op))
    fetch.setStream(stream);
}

/// Where a buffer was written last, and read since, by position on the stream.
struct History {
  size_t writerStream = 0;
  uint32_t writer = 0; ///< 0: not written in this entry.
  Clock readers = {};
};

class EntryStreams {
public:
  explicit EntryStreams(EntryOp entry) : body(entry.getBody().front()) {}

  void run();
  unsigned records = 0, waits = 0, dependencies = 0;

private:
  void order(Operation *op, size_t stream);
  void waitFor(Operation *op, size_t stream, size_t other, uint32_t position);

  /// An instruction that is done with, and what its stream knew behind it.
  struct Done {
    Operation *op;
    Clock clock;
    Value event; ///< Recorded right behind it, once somebody waits.
  };

  Block &body;
  std::array<Clock, kStreams> known = {};
  std::array<std::vector<Done>, kStreams> done;
  llvm::DenseMap<Operation *, History> histories;
};

void EntryStreams::waitFor(Operation *op, size_t stream, size_t other,
                           uint32_t position) {
  Done &before = done[other][position - 1];
  OpBuilder builder(op);
  if (!before.event) {
    builder.setInsertionPointAfter(before.op);
    before.event = RecordOp::create(builder, before.op->getLoc(),
                                    EventType::get(op->getContext()),
                                    static_cast<Stream>(other));
    ++records;
  }
  builder.setInsertionPoint(op);
  WaitOp::create(builder, op->getLoc(), before.event,
                 static_cast<Stream>(stream));
  ++waits;
  join(known[stream], before.clock);
}

void EntryStreams::order(Operation *op, size_t stream) {
  Clock needed = {}; // The last instruction of each stream to wait for.
  auto need = [&](size_t other, uint32_t position) {
    if (other == stream || position == 0)
      return;
    ++dependencies;
    needed[other] = std::max(needed[other], position);
  };
  forEachAccess(op, [&](BufferOp buffer, bool, bool writes) {
    History &history = histories[buffer];
    need(history.writerStream, history.writer);
    if (writes)
      for (size_t other = 0; other < kStreams; ++other)
        need(other, history.readers[other]);
  });
  for (size_t other = 0; other < kStreams; ++other) {
    if (needed[other] <= known[stream][other])
      continue;
    // Another event that is needed anyway may say the same.
    bool implied = false;
    for (size_t third = 0; third < kStreams; ++third)
      implied = implied ||
                (third != other && needed[third] > known[stream][third] &&
                 done[third][needed[third] - 1].clock[other] >= needed[other]);
    if (!implied)
      waitFor(op, stream, other, needed[other]);
  }
}

void EntryStreams::run() {
  // Events of an earlier run would only be in the way.
  for (Operation &op : llvm::make_early_inc_range(body))
    if (isa<WaitOp>(op))
      op.erase();
  Buffers readByHost;
  for (Operation &op : llvm::make_early_inc_range(body)) {
    forEachHostAccess(&op, [&](BufferOp buffer, bool reads, bool) {
      if (reads)
        readByHost.insert(buffer);
    });
    if (auto record = dyn_cast<RecordOp>(op); record && !isForHost(record))
      op.erase();
  }

  llvm::DenseMap<Value, Clock> events;
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (auto record = dyn_cast<RecordOp>(op); record && isForHost(record)) {
      record.setStream(Stream::Compute);
      auto stream = static_cast<size_t>(Stream::Compute);
      events[record.getEvent()] = known[stream];
      // Others may wait for it too.
      if (!done[stream].empty() && !done[stream].back().event)
        done[stream].back().event = record.getEvent();
      continue;
    }
    // All that is enqueued behind the host's wait starts after it.
    if (auto demand = dyn_cast<DemandOp>(op))
      for (Clock &clock : known)
        join(clock, events.lookup(demand.getEvent()));
    if (!isa<LaunchOp, CopyOp, planir::FetchOp, RunExpertsOp, JoinOp>(op))
      continue;
    Stream chosen = choose(&op, readByHost);
    setStream(&op, chosen);
    auto stream = static_cast<size_t>(chosen);
    order(&op, stream);
    uint32_t position = ++known[stream][stream];
    done[stream].push_back({&op, known[stream], Value()});
    forEachAccess(&op, [&](BufferOp buffer, bool reads, bool writes) {
      History &history = histories[buffer];
      if (writes)
        history = {stream, position, {}};
      if (reads)
        history.readers[stream] = position;
    });
  }
}

struct AssignStreams : impl::AssignStreamsBase<AssignStreams> {
  using AssignStreamsBase::AssignStreamsBase;

  void runOnOperation() override {
    for (auto entry : getOperation().getOps<EntryOp>()) {
      EntryStreams streams(entry);
      streams.run();
      remark::passed(entry.getLoc(),
                     remark::RemarkOpts::name("events").category(DEBUG_TYPE))
          << remark::metric("entry", entry.getSymName())
          << remark::metric("dependencies", streams.dependencies)
          << remark::metric("records", streams.records)
          << remark::metric("waits", streams.waits);
      records += streams.records;
      waits += streams.waits;
      dependencies += streams.dependencies;
    }
  }
};

} // namespace
} // namespace sluice
