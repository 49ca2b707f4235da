//===- run_step.cpp - ExpertRun -------------------------------------------===//
//
// The sequence of the demand is cut into waves: what was in slots before, at
// once; then a wave each time enough bytes are on their way. The device waits
// for the copies of a wave, the host for nothing but the disk, unless the
// demand is larger than the slots.
//
//===----------------------------------------------------------------------===//

#include "runtime/executor/experts/engine.h"

namespace sluice::experts {

Status Engine::run(const RunOperands &operands, uint32_t rows) {
  SLUICE_RETURN_IF_ERROR(beginTables(operands));
  for (;;) {
    if (wanted.isIncomplete()) {
      SLUICE_RETURN_IF_ERROR(transfers.returnPlaces());
      SLUICE_RETURN_IF_ERROR(takeArrivals());
      SLUICE_RETURN_IF_ERROR(startReads());
      SLUICE_RETURN_IF_ERROR(fillSlots());
    }
    const bool incomplete = wanted.isIncomplete();
    if (size_t end = nextWave(); end > launched) {
      SLUICE_RETURN_IF_ERROR(launchWave(operands, rows, end));
      continue;
    }
    if (!incomplete && launched == wanted.sequence.size())
      break;
    // Nothing more can be had at once. What is on its way runs as a small wave
    // rather than not at all.
    const bool isLast = !incomplete;
    const bool needsSlots = wanted.needsSlots();
    if (launched < wanted.sequence.size() &&
        (isLast || needsSlots || wanted.bank->pool->waveBytes > 0)) {
      SLUICE_RETURN_IF_ERROR(
          launchWave(operands, rows, wanted.sequence.size()));
      continue;
    }
    if (needsSlots && giveUpWave())
      continue;
    SLUICE_RETURN_IF_ERROR(waitForSomething());
  }
  if (wanted.mayHandOver)
    SLUICE_RETURN_IF_ERROR(takeTail(operands, rows));
  wanted.isFetching = false;
  return Status::ok();
}

/// Places for the tables of all waves; those of the CPU's experts, of which
/// some may go over, are brought at once.
Status Engine::beginTables(const RunOperands &operands) {
  size_t pairs = 0;
  for (const Item &item : wanted.items)
    pairs += item.pairs;
  if (wanted.usesHost())
    pairs -= static_cast<size_t>(host.firstPair(host.experts()));
  tables.begin(operands.tables, operands.tablesHost,
               wanted.items.size() - wanted.onHost.size(), pairs);
  // With an expert on the CPU at least, its tables fit behind those of the
  // waves, however many experts have rows.
  if (!wanted.mayHandOver)
    return Status::ok();
  backend.label({"host tables", static_cast<int32_t>(wanted.bank->layer), -1});
  SLUICE_RETURN_IF_ERROR(
      hostTables.bring(tables.end(), tables.hostEnd(), host, backend));
  return backend.record(StreamKind::Compute, tablesEvent);
}

/// Where the next wave ends that is large enough, or `launched`.
size_t Engine::nextWave() const {
  const Pool &pool = *wanted.bank->pool;
  if (pool.waveBytes == 0)
    return launched;
  uint64_t bytes = 0;
  for (size_t i = launched; i < wanted.sequence.size(); ++i) {
    const bool resident = wanted.items[wanted.sequence[i]].place == Place::Slot;
    if (!resident && launched < i && bytes == 0)
      return i; // What was there before.
    if (!resident)
      bytes += pool.slotBytes;
    if (bytes >= pool.waveBytes)
      return i + 1;
  }
  return launched;
}

/// Runs the items of the sequence up to `end`.
Status Engine::launchWave(const RunOperands &operands, uint32_t rows,
                          size_t end) {
  if (end > tables.uploaded())
    SLUICE_RETURN_IF_ERROR(tables.upload(wanted, backend));
  SLUICE_ASSIGN_OR_RETURN(uint32_t awaited, awaitItems(end));
  SLUICE_RETURN_IF_ERROR(launchKernels(operands, rows, end, awaited));
  if (wanted.isIncomplete())
    SLUICE_RETURN_IF_ERROR(numberWave(end));
  launched = end;
  return Status::ok();
}

/// Makes compute wait until the wave's experts are in their slots; of one that
/// moves in two only for the first part. Gives the event to wait for before
/// ExpertDown then, or kNone.
Result<uint32_t> Engine::awaitItems(size_t end) {
  const Pool &pool = *wanted.bank->pool;
  uint32_t lastSent = kNone;
  for (size_t i = launched; i < end; ++i) {
    const Item &item = wanted.items[wanted.sequence[i]];
    if (item.place == Place::Slot)
      continue;
    if (item.place == Place::Coming)
      SLUICE_RETURN_IF_ERROR(
          backend.wait(StreamKind::Compute, pool.event(item.slot)));
    else
      lastSent = wanted.sequence[i]; // Copies of one stream end in order.
    pool.residency->arrived(item.slot);
  }
  if (lastSent == kNone)
    return kNone;
  const uint32_t all = pool.event(wanted.items[lastSent].slot);
  const bool isInTwo = lastSent == inTwo;
  SLUICE_RETURN_IF_ERROR(backend.wait(StreamKind::Compute,
                                      isInTwo ? transfers.frontEvent() : all));
  return isInTwo ? all : kNone;
}

/// ExpertGateUp of the items [first, end) of the sequence.
KernelArgs Engine::upArgs(const RunOperands &operands, size_t first,
                          size_t end) const {
  const Bank &bank = *wanted.bank;
  const Pool &pool = *bank.pool;
  KernelArgs up;
  const int64_t dims[] = {
      static_cast<int64_t>(end - first),
      bank.topK,
      bank.hidden,
      bank.inner,
      pool.residency->slots(),
      static_cast<int64_t>(pool.slotBytes / byteSize(pool.type)),
      bank.gateOffset,
      bank.upOffset};
  std::copy(std::begin(dims), std::end(dims), up.dim);
  up.maxRows = operands.maxRows;
  up.data[0] = operands.in;
  up.data[1] = tables.offsets(first);
  up.data[2] = tables.order();
  up.data[3] = tables.slots(first);
  up.data[4] = pool.data;
  up.data[5] = operands.inner;
  up.dtype[0] = operands.inType;
  for (int table : {1, 2, 3})
    up.dtype[table] = DType::I32;
  up.dtype[4] = pool.type;
  up.dtype[5] = DType::F32;
  return up;
}

/// ExpertDown behind that ExpertGateUp.
KernelArgs Engine::downArgs(const KernelArgs &up,
                            const RunOperands &operands) const {
  KernelArgs down = up;
  down.data[0] = operands.inner;
  down.dtype[0] = DType::F32;
  down.data[5] = operands.outputs;
  down.dim[6] = wanted.bank->downOffset;
  down.dim[7] = 0;
  return down;
}

/// `awaited`: what ExpertDown waits for, or kNone.
Status Engine::launchKernels(const RunOperands &operands, uint32_t rows,
                             size_t end, uint32_t awaited) {
  const Bank &bank = *wanted.bank;
  uint32_t pairs = 0;
  for (size_t i = launched; i < end; ++i)
    pairs += wanted.items[wanted.sequence[i]].pairs;
  if (pairs == 0)
    return awaited == kNone ? Status::ok()
                            : backend.wait(StreamKind::Compute, awaited);

  KernelArgs &up = waveArgs[launches++], &down = waveArgs[launches++];
  up = upArgs(operands, launched, end);
  down = downArgs(up, operands);
  const int32_t expert =
      end - launched == 1
          ? static_cast<int32_t>(wanted.items[wanted.sequence[launched]].expert)
          : -1;
  const auto layer = static_cast<int32_t>(bank.layer);
  backend.label({operands.gateUpName, layer, expert});
  SLUICE_RETURN_IF_ERROR(
      backend.launch(StreamKind::Compute, operands.gateUp, up, rows));
  if (awaited != kNone)
    SLUICE_RETURN_IF_ERROR(backend.wait(StreamKind::Compute, awaited));
  backend.label({operands.downName, layer, expert});
  return backend.launch(StreamKind::Compute, operands.down, down, rows);
}

/// Marks the wave's end, so that its slots can be used again in this demand.
Status Engine::numberWave(size_t end) {
  SLUICE_ASSIGN_OR_RETURN(uint64_t wave, transfers.recordWave());
  for (size_t i = launched; i < end; ++i)
    wanted.bank->pool->readBy[wanted.items[wanted.sequence[i]].slot] = wave;
  waveEnds.push_back(end);
  return Status::ok();
}

/// Gives up the slots of the oldest wave that still has them; false when there
/// is none.
bool Engine::giveUpWave() {
  if (releasedWaves == waveEnds.size())
    return false;
  const size_t end = waveEnds[releasedWaves++];
  for (; released < end; ++released)
    wanted.bank->residency().release(
        wanted.items[wanted.sequence[released]].slot);
  return true;
}

/// The host has nothing to do until a read, a place of the ring or a slot
/// comes.
Status Engine::waitForSomething() {
  if (home->readsInFlight() > 0) {
    SLUICE_ASSIGN_OR_RETURN(ExpertHome::Arrival arrival, home->waitRead());
    return take(arrival);
  }
  SLUICE_ASSIGN_OR_RETURN(bool place, transfers.waitForPlace());
  if (place)
    return Status::ok();
  SLUICE_ASSIGN_OR_RETURN(bool slot, prefetcher.waitForOldest());
  if (slot)
    return Status::ok();
  return Status(ErrorCode::Internal, "layer " +
                                         std::to_string(wanted.bank->layer) +
                                         ": no slot comes free for an expert");
}

} // namespace sluice::experts
