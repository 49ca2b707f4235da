//===- host_job.cpp - Experts that the CPU computes -----------------------===//

#include "runtime/executor/experts/host_job.h"

#include <algorithm>

namespace sluice::experts {

Status HostJob::reserve(const Bank &bank, uint32_t pairs, Backend &backend) {
  auto grow = [](std::vector<int32_t> &table, size_t size) {
    table.resize(std::max(table.size(), size));
  };
  grow(order, pairs);
  grow(offsets, bank.experts + 1);
  grow(slots, bank.experts);
  const uint64_t innerBytes = uint64_t{pairs} * bank.inner * sizeof(float);
  if (innerMemory.bytes() < innerBytes) {
    SLUICE_ASSIGN_OR_RETURN(innerMemory,
                            backend.allocate(MemoryKind::Host, innerBytes));
  }
  return Status::ok();
}

bool HostJob::canHandOver(const Backend &backend) const {
  return innerMemory.data() && backend.kernelsReach(innerMemory.data());
}

Status HostJob::start(const Demand &demand, const HostOperands &operands,
                      Backend &backend) {
  const Bank &bank = *demand.bank;
  const Pool &pool = *bank.pool;
  size_t experts = 0, gathered = 0;
  for (uint32_t index : demand.onHost) {
    const Item &item = demand.items[index];
    offsets[experts] = static_cast<int32_t>(gathered);
    // The images of the host pool lie one after the other, like slots.
    slots[experts++] = static_cast<int32_t>(item.image);
    std::copy_n(demand.pairs.begin() + item.firstPair, item.pairs,
                order.begin() + static_cast<ptrdiff_t>(gathered));
    gathered += item.pairs;
  }
  offsets[experts] = static_cast<int32_t>(gathered);
  count = experts;
  hidden = bank.hidden;
  left = {count, 0};
  if (gathered == 0)
    return Status::ok();

  const int64_t rows = demand.endRow;
  KernelArgs up;
  up.data[0] = operands.in;
  up.data[1] = offsets.data();
  up.data[2] = order.data();
  up.data[3] = slots.data();
  up.data[4] = pool.hostData;
  up.data[5] = inner();
  for (int table : {1, 2, 3})
    up.dtype[table] = DType::I32;
  up.dtype[0] = operands.inType;
  up.dtype[4] = pool.type;
  up.dtype[5] = DType::F32;
  const auto slotElements =
      static_cast<int64_t>(pool.slotBytes / byteSize(pool.type));
  const int64_t dims[] = {static_cast<int64_t>(experts),
                          bank.topK,
                          bank.hidden,
                          bank.inner,
                          pool.hostImages,
                          slotElements,
                          bank.gateOffset,
                          bank.upOffset};
  std::copy(std::begin(dims), std::end(dims), up.dim);
  up.maxRows = rows;

  KernelArgs down = up;
  down.data[0] = inner();
  down.dtype[0] = DType::F32;
  down.data[5] = operands.outputs;
  down.dim[6] = bank.downOffset;
  down.dim[7] = 0;
  launches = {HostLaunch{Kernel::ExpertGateUp, up, rows},
              HostLaunch{Kernel::ExpertDown, down, rows}};
  backend.label({"host experts", static_cast<int32_t>(bank.layer), -1});
  running = true;
  return backend.startHostWork(launches);
}

HostJob::Tail HostJob::takeTail(Backend &backend, int64_t outputs) {
  const int64_t taken = running ? backend.takeBackHostWork(outputs) : 0;
  const int64_t kept =
      static_cast<int64_t>(left.first) * hidden + left.firstOutput - taken;
  if (taken > 0)
    left = {static_cast<size_t>(kept / hidden), kept % hidden};
  return left;
}

Result<double> HostJob::finish(Backend &backend) {
  if (!running)
    return 0.0;
  running = false;
  SLUICE_RETURN_IF_ERROR(backend.waitHostWork());
  return backend.hostWorkUs();
}

} // namespace sluice::experts
