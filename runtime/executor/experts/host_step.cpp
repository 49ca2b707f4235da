//===- host_step.cpp - ExpertRunHost and ExpertJoin -----------------------===//

#include "runtime/executor/experts/engine.h"

#include <algorithm>

namespace sluice::experts {

void Engine::prepareHost(uint32_t bank, uint32_t maxRows, DType inType) {
  const Bank &of = store.banks[bank];
  host.reserve(of, maxRows * of.topK, inType);
}

Status Engine::runHost(const HostOperands &operands) {
  return host.start(wanted, operands, backend);
}

Status Engine::join(const JoinOperands &operands) {
  SLUICE_RETURN_IF_ERROR(host.wait(backend));
  std::span<const int32_t> pairs = host.pairs();
  if (pairs.empty())
    return Status::ok();
  const Bank &bank = *wanted.bank;
  const auto layer = static_cast<int32_t>(bank.layer);
  std::copy(pairs.begin(), pairs.end(), operands.indexHost);
  backend.label({"host results", layer, -1});
  SLUICE_RETURN_IF_ERROR(backend.copy(StreamKind::Compute, operands.index,
                                      MemoryKind::Device, operands.indexHost,
                                      MemoryKind::Host, pairs.size_bytes()));
  SLUICE_RETURN_IF_ERROR(backend.copy(
      StreamKind::Compute, operands.staged, MemoryKind::Device, operands.source,
      MemoryKind::Host, pairs.size() * bank.hidden * sizeof(float)));
  backend.label({"expert_scatter", layer, -1});
  return backend.launch(StreamKind::Compute, operands.scatter, operands.args,
                        static_cast<int64_t>(pairs.size()));
}

} // namespace sluice::experts
