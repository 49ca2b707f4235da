//===- tail_step.cpp - The bus takes over the end of a job ----------------===//
//
// How many experts the CPU takes is decided before anybody knows how fast it
// will be this time, and in whole experts. When the bus is about to have
// nothing left to move, both are corrected: from the end of the CPU's job it
// takes over as many outputs of down projections that no thread has begun as
// lets both end together. Their inner rows are there by then, their weights
// come to slots, and the device computes them; what the CPU has of the same
// expert stays. Each output is a dot product of its own, so it is the same bits
// whoever computes it.
//
//===----------------------------------------------------------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>
#include <cmath>
#include <thread>

namespace sluice::experts {
namespace {

/// So long before the bus has nothing left the decision is made: copies that
/// are enqueued then begin behind those before without a gap.
constexpr double kLeadUs = 40;
/// What the device does behind the last copy takes so much longer than what it
/// does behind the CPU's job.
constexpr double kBehindUs = 10;
/// A smaller part of a down projection saves less than its launches cost.
constexpr double kLeastShare = 1.0 / 8;
/// Inner rows of so many bytes come all at once, those of more as they are
/// needed.
constexpr uint64_t kInnerAtOnce = 64 << 10;
/// So often it is decided at most.
constexpr int kRounds = 4;
/// From so many down projections on only a part of them goes over at first.
constexpr double kAtOnce = 1.25, kFirstShare = 0.5;

} // namespace

/// Experts' worth that should go over to the bus. Waits until that can be said.
Result<double> Engine::tailExperts() {
  const ExpertTimes times = balance.times(wanted.bank->index, wanted.share);
  // In virtual time, and as long as nothing is known of real times, both go on
  // as expected.
  const double planned =
      handOver(onHost * times.host, bus.added() * times.bus, times);
  if (backend.isVirtual() || !balance.hasLearned(wanted.share))
    return planned;
  double now = 0, busUs = 0, left = 0;
  for (;;) {
    SLUICE_RETURN_IF_ERROR(lookAtBus());
    left = backend.hostWorkLeft();
    now = backend.clockUs();
    busUs = bus.endUs(now) - now;
    if (busUs <= kLeadUs || left <= 0)
      break;
    if (!backend.isVirtual())
      std::this_thread::yield();
  }
  learnFromBus();
  if (left >= 1)
    return planned; // No thread has got anywhere yet.
  return handOver(HostProgress{onHost, left, now - hostStartUs},
                  busUs + kBehindUs, bus.oneUs());
}

Status Engine::takeTail(const RunOperands &operands, uint32_t rows) {
  innerFrom = host.experts();
  for (int round = 1, last = kRounds; round <= last; ++round) {
    const size_t end = host.tail().first;
    SLUICE_ASSIGN_OR_RETURN(const double experts, tailExperts());
    double projections = experts / (1 - wanted.bank->frontShare());
    if (projections < kLeastShare)
      break;
    // What lies far ahead is known less well than what will be seen later.
    if (round < last && projections > kAtOnce)
      projections = std::max(1.0, std::floor(projections * kFirstShare));
    else
      last = round;
    SLUICE_RETURN_IF_ERROR(takeRound(end, projections));
    if (host.tail().first == end)
      break; // No thread had left anything.
    SLUICE_RETURN_IF_ERROR(runTail(operands, rows, end));
    if (host.tail().firstOutput > 0)
      break;
  }
  return Status::ok();
}

/// Takes so many down projections from the experts in front of the CPU's expert
/// `end`, whose part is the bus's already, and sends for their weights.
Status Engine::takeRound(size_t end, double projections) {
  const Bank &bank = *wanted.bank;
  const auto hidden = static_cast<double>(bank.hidden);
  // What is taken from the CPU must have somewhere to go.
  const size_t most = takeTailSlots(
      end, std::min(end, static_cast<size_t>(std::ceil(projections))));
  const double outputs =
      hidden * std::min(projections, static_cast<double>(most));
  const HostJob::Tail tail =
      host.takeTail(backend, static_cast<int64_t>(outputs));

  const uint64_t rowBytes =
      static_cast<uint64_t>(bank.inner) * byteSize(bank.pool->type);
  // Whether it still had something to move when this came: what follows a pause
  // would not say what an expert takes.
  SLUICE_RETURN_IF_ERROR(lookAtBus());
  learnFromBus();
  learnsBus &= bus.waiting() > 0;
  const double now = backend.clockUs();
  for (size_t i = end - most; i < end; ++i) {
    Item &item = wanted.items[wanted.onHost[i]];
    const uint32_t id = bank.id(item.expert);
    if (i < tail.first) { // No thread had left that much.
      bank.residency().handedOver(id, 0);
      bank.residency().forget(item.slot);
      item.slot = kNone;
      continue;
    }
    item.place = Place::Tail;
    const uint64_t from =
        bank.front() + rowBytes * static_cast<uint64_t>(
                                      i == tail.first ? tail.firstOutput : 0);
    bank.residency().handedOver(id, bank.pool->slotBytes - from);
    const double part = static_cast<double>(bank.pool->slotBytes - from) /
                        static_cast<double>(bank.pool->slotBytes);
    onHost -= part;
    bus.add(bank.pool->event(item.slot), part, now);
    SLUICE_RETURN_IF_ERROR(
        transfers.copyTail(bank, item.expert, item.slot,
                           home->image(bank.index, item.expert), from));
  }
  return Status::ok();
}

/// Takes slots for the `count` experts of the CPU in front of `end`, or as many
/// of the last as there are slots; how many.
size_t Engine::takeTailSlots(size_t end, size_t count) {
  const Bank &bank = *wanted.bank;
  for (size_t taken = 0; taken < count; ++taken) {
    Item &item = wanted.items[wanted.onHost[end - 1 - taken]];
    item.slot = bank.residency().take(bank.id(item.expert), Purpose::Demand);
    if (item.slot == kNone)
      return taken;
  }
  return count;
}

/// The device goes on with the CPU's inner rows of the experts in front of
/// `end` that went over.
Status Engine::runTail(const RunOperands &operands, uint32_t rows, size_t end) {
  const Bank &bank = *wanted.bank;
  const Pool &pool = *bank.pool;
  const HostJob::Tail &tail = host.tail();
  if (innerFrom > tail.first)
    SLUICE_RETURN_IF_ERROR(bringInner(operands, end));
  for (size_t index = tail.first; index < end; ++index) {
    const Item &item = wanted.items[wanted.onHost[index]];
    SLUICE_RETURN_IF_ERROR(
        backend.wait(StreamKind::Compute, pool.event(item.slot)));
    pool.residency->arrived(item.slot);
    KernelArgs &down = waveArgs[launches++];
    down = downArgs(upArgs(operands, 0, 1), operands);
    down.data[1] = hostTables.offsets(index);
    down.data[2] = hostTables.order();
    // The slot was not known when the tables were brought: it is all of the
    // pool that the kernel sees.
    down.data[3] = hostTables.firstSlot();
    down.data[4] = pool.data + uint64_t{item.slot} * pool.slotBytes;
    down.dim[4] = 1;
    down.dim[7] = index == tail.first ? tail.firstOutput : 0;
    backend.label({operands.downName, static_cast<int32_t>(bank.layer),
                   static_cast<int32_t>(item.expert)});
    SLUICE_RETURN_IF_ERROR(
        backend.launch(StreamKind::Compute, operands.down, down, rows));
  }
  return Status::ok();
}

/// Brings the CPU's inner rows of the experts in front of `end` that went over,
/// and of as many as may follow, since a read over a bus that moves experts
/// takes long whatever its size. On a stream of its own, beside what compute
/// does for the experts that were moved whole.
Status Engine::bringInner(const RunOperands &operands, size_t end) {
  constexpr auto kStream = StreamKind::CopyBack;
  const Bank &bank = *wanted.bank;
  const size_t first = host.tail().first;
  const size_t behind = std::min(innerFrom, end);
  const uint64_t rowBytes = static_cast<uint64_t>(bank.inner) * sizeof(float);
  const bool all =
      static_cast<uint64_t>(host.firstPair(end)) * rowBytes <= kInnerAtOnce;
  innerFrom = all ? 0 : first - std::min(first, end - first + 1);
  SLUICE_RETURN_IF_ERROR(backend.wait(kStream, tablesEvent));
  SLUICE_RETURN_IF_ERROR(HostJob::awaitInner(kStream, backend));
  KernelArgs &scatter = waveArgs[launches++];
  scatter = KernelArgs();
  scatter.data[0] = host.inner();
  scatter.data[1] = hostTables.order() + host.firstPair(innerFrom);
  scatter.data[2] = operands.inner;
  scatter.dtype[0] = scatter.dtype[2] = DType::F32;
  scatter.dtype[1] = DType::I32;
  scatter.dim[0] = operands.maxRows * bank.topK;
  scatter.dim[1] = bank.inner;
  scatter.maxRows = scatter.dim[0];
  backend.label({"expert_scatter", static_cast<int32_t>(bank.layer), -1});
  SLUICE_RETURN_IF_ERROR(
      backend.launch(kStream, operands.scatter, scatter,
                     host.firstPair(behind) - host.firstPair(innerFrom)));
  SLUICE_RETURN_IF_ERROR(backend.record(kStream, innerEvent));
  return backend.wait(StreamKind::Compute, innerEvent);
}

} // namespace sluice::experts
