//===- host_step.cpp - ExpertRunHost and ExpertJoin -----------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>
#include <utility>

namespace sluice::experts {

Status Engine::prepareHost(uint32_t bank, uint32_t maxRows, DType inType) {
  const Bank &of = store.banks[bank];
  return host.reserve(of, maxRows * of.topK, inType, backend);
}

Status Engine::runHost(const HostOperands &operands) {
  if (!wanted.usesHost())
    return Status::ok();
  SLUICE_RETURN_IF_ERROR(host.start(wanted, operands, backend));
  onHost = static_cast<double>(wanted.onHost.size()) +
           (wanted.shared == kNone ? 0 : wanted.bank->frontShare());
  busStartUs = backend.clockUs();
  SLUICE_RETURN_IF_ERROR(fillSlots());
  // Learned from what only the bus decides. Virtual time is known beforehand.
  if (wanted.isIncomplete() || backend.isVirtual() ||
      (wanted.missing.empty() && wanted.shared == kNone))
    return Status::ok();
  for (const Item &item : wanted.items)
    onBus += item.place == Place::Sent || item.place == Place::Coming;
  if (wanted.shared != kNone)
    onBus += 1 - wanted.bank->frontShare();
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
  SLUICE_RETURN_IF_ERROR(HostJob::awaitAll(backend));
  std::span<const int32_t> pairs = host.pairs();
  if (pairs.empty())
    return Status::ok();
  const Bank &bank = *wanted.bank;
  const auto layer = static_cast<int32_t>(bank.layer);
  std::copy(pairs.begin(), pairs.end(), operands.indexHost);
  if (!operands.inPlace) {
    backend.label({"host results", layer, -1});
    SLUICE_RETURN_IF_ERROR(backend.copy(StreamKind::Compute, operands.index,
                                        MemoryKind::Device, operands.indexHost,
                                        MemoryKind::Host, pairs.size_bytes()));
    SLUICE_RETURN_IF_ERROR(
        backend.copy(StreamKind::Compute, operands.staged, MemoryKind::Device,
                     operands.source, MemoryKind::Host,
                     pairs.size() * bank.hidden * sizeof(float)));
  }
  backend.label({"expert_scatter", layer, -1});
  return backend.launch(StreamKind::Compute, operands.scatter, operands.args,
                        static_cast<int64_t>(pairs.size()));
}

} // namespace sluice::experts
