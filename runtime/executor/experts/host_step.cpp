//===- host_step.cpp - ExpertRunHost and ExpertJoin -----------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>
#include <utility>

namespace sluice::experts {

Status Engine::prepareHost(uint32_t bank, uint32_t maxRows) {
  const Bank &of = store.banks[bank];
  return host.reserve(of, maxRows * of.topK, backend);
}

Status Engine::runHost(const HostOperands &operands) {
  if (!wanted.usesHost())
    return Status::ok();
  hostStartUs = backend.clockUs();
  SLUICE_RETURN_IF_ERROR(host.start(wanted, operands, backend));
  onHost = static_cast<double>(wanted.onHost.size());
  busStartUs = backend.clockUs();
  SLUICE_RETURN_IF_ERROR(fillSlots());
  sent = 0;
  for (const Item &item : wanted.items)
    sent += item.place == Place::Sent || item.place == Place::Coming;
  // Of what waits for a slot or the disk nobody knows when it has moved.
  if (wanted.isIncomplete())
    wanted.mayHandOver = false;
  // Learned from what only the bus decides. Virtual time is known beforehand.
  if (!wanted.isIncomplete() && !backend.isVirtual() && !wanted.missing.empty())
    onBus = sent;
  return Status::ok();
}

/// What the CPU's job took, once it is over; before another begins.
Status Engine::observeHost() {
  SLUICE_ASSIGN_OR_RETURN(const double us, host.finish(backend));
  // The first job also made the threads.
  if (us > 0 && std::exchange(hostThreads, true) && !backend.isVirtual())
    balance.ranOnHost(onHost, us);
  return Status::ok();
}

/// Compute goes on when the job is done; the host need not wait for it.
Status Engine::join(const JoinOperands &operands) {
  if (!wanted.usesHost())
    return Status::ok();
  // The pairs that the CPU computed all outputs of, then those of an expert of
  // which it computed the first.
  const HostJob::Tail &tail = host.tail();
  const int64_t whole = host.firstPair(tail.first);
  const int64_t begun = tail.firstOutput > 0 ? host.pairsOf(tail.first) : 0;
  if (whole + begun == 0)
    return HostJob::awaitAll(StreamKind::Compute, backend);
  const Bank &bank = *wanted.bank;
  const auto layer = static_cast<int32_t>(bank.layer);
  if (operands.inPlace) {
    SLUICE_RETURN_IF_ERROR(HostJob::awaitAll(StreamKind::Compute, backend));
  } else {
    // A copy from memory that is not pinned may be made before the stream gets
    // there.
    SLUICE_RETURN_IF_ERROR(backend.waitHostWork());
    // Of all rows of the part: one copy, whichever the pairs are.
    const uint64_t ofRow = uint64_t{bank.topK} * bank.hidden;
    const uint64_t first = wanted.firstRow * ofRow;
    const uint64_t values = wanted.endRow * ofRow - first;
    backend.label({"host results", layer, -1});
    SLUICE_RETURN_IF_ERROR(backend.copy(
        StreamKind::Compute, operands.staged + first, MemoryKind::Device,
        operands.source + first, MemoryKind::Host, values * sizeof(float)));
  }
  backend.label({"expert_scatter", layer, -1});
  KernelArgs &scatter = waveArgs[launches++];
  scatter = operands.args;
  scatter.data[1] = hostTables.order();
  scatter.dim[2] = begun;
  scatter.dim[3] = tail.firstOutput;
  return backend.launch(StreamKind::Compute, operands.scatter, scatter,
                        whole + begun);
}

} // namespace sluice::experts
