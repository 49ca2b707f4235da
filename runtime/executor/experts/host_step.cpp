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
  const double busStartUs = backend.clockUs();
  SLUICE_RETURN_IF_ERROR(fillSlots());
  trackBus(busStartUs);
  // Of what waits for a slot or the disk nobody knows when it has moved.
  if (wanted.isIncomplete())
    wanted.mayHandOver = false;
  // Learned from what only the bus decides.
  learnsBus = !wanted.isIncomplete() && !wanted.missing.empty();
  return Status::ok();
}

/// What the CPU's job took, once it is over; before another begins.
Status Engine::observeHost() {
  SLUICE_ASSIGN_OR_RETURN(const double us, host.finish(backend));
  // The first job also made the threads.
  if (us > 0 && std::exchange(hostThreads, true))
    balance.ranOnHost(wanted.bank->index, onHost, us);
  return Status::ok();
}

/// Compute goes on when the job is done; the host need not wait for it.
Status Engine::join(const JoinOperands &operands) {
  const Bank &bank = *wanted.bank;
  const uint32_t firstPair = wanted.firstRow * bank.topK;
  const uint32_t pairs = (wanted.endRow - wanted.firstRow) * bank.topK;
  const std::span<int32_t> shares(operands.sharesHost + firstPair, pairs);
  std::fill(shares.begin(), shares.end(), 0);
  const bool hasResults = wanted.usesHost() && fillShares(operands.sharesHost);
  const auto layer = static_cast<int32_t>(bank.layer);
  backend.label({"host shares", layer, -1});
  SLUICE_RETURN_IF_ERROR(backend.upload(StreamKind::Compute,
                                        operands.shares + firstPair,
                                        shares.data(), shares.size_bytes()));
  if (!wanted.usesHost())
    return Status::ok();
  if (!hasResults || !operands.staged)
    return HostJob::awaitAll(StreamKind::Compute, backend);
  // A copy from memory that is not pinned may be made before the stream gets
  // there.
  SLUICE_RETURN_IF_ERROR(backend.waitHostWork());
  // Of all rows of the part: one copy, whichever the pairs are.
  const uint64_t first = uint64_t{firstPair} * bank.hidden;
  backend.label({"host results", layer, -1});
  return backend.copy(StreamKind::Compute, operands.staged + first,
                      MemoryKind::Device, operands.source + first,
                      MemoryKind::Host,
                      uint64_t{pairs} * bank.hidden * sizeof(float));
}

/// Writes of the CPU's pairs how many of their outputs it computed: all, or
/// those in front of what went over. False where it computed nothing.
bool Engine::fillShares(int32_t *shares) const {
  const HostJob::Tail &tail = host.tail();
  const int64_t whole = host.firstPair(tail.first);
  const int64_t begun = tail.firstOutput > 0 ? host.pairsOf(tail.first) : 0;
  const int32_t *pairs = host.pairs();
  for (int64_t i = 0; i < whole + begun; ++i)
    shares[pairs[i]] = static_cast<int32_t>(i < whole ? wanted.bank->hidden
                                                      : tail.firstOutput);
  return whole + begun > 0;
}

} // namespace sluice::experts
