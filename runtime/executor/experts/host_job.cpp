//===- host_job.cpp - Experts that the CPU computes -----------------------===//

#include "runtime/executor/experts/host_job.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace sluice::experts {

void HostJob::reserve(const Bank &bank, uint32_t pairs, DType inType) {
  auto grow = [](auto &memory, size_t size) {
    memory.resize(std::max(memory.size(), size));
  };
  grow(rows, size_t{pairs} * bank.hidden * byteSize(inType));
  grow(inner, size_t{pairs} * bank.inner);
  grow(computed, pairs);
  grow(order, pairs);
  std::iota(order.begin(), order.end(), 0);
  grow(offsets, bank.experts + 1);
  grow(slots, bank.experts);
}

Status HostJob::start(const Demand &demand, const HostOperands &operands,
                      Backend &backend) {
  const Bank &bank = *demand.bank;
  const Pool &pool = *bank.pool;
  const size_t rowBytes = bank.hidden * byteSize(operands.inType);
  count = 0;
  size_t experts = 0;
  for (uint32_t index : demand.onHost) {
    const Item &item = demand.items[index];
    offsets[experts] = static_cast<int32_t>(count);
    // The images of the host pool lie one after the other, like slots.
    slots[experts++] = static_cast<int32_t>(item.slot);
    for (uint32_t i = 0; i < item.pairs; ++i, ++count) {
      int32_t pair = demand.pairs[item.firstPair + i];
      computed[count] = pair;
      std::memcpy(rows.data() + count * rowBytes,
                  operands.in + pair / bank.topK * rowBytes, rowBytes);
    }
  }
  if (count == 0)
    return Status::ok();
  offsets[experts] = static_cast<int32_t>(count);

  // Every gathered row is a row of its own here: top_k is 1.
  KernelArgs up;
  up.data[0] = rows.data();
  up.data[1] = offsets.data();
  up.data[2] = order.data();
  up.data[3] = slots.data();
  up.data[4] = pool.hostData;
  up.data[5] = inner.data();
  for (int table : {1, 2, 3})
    up.dtype[table] = DType::I32;
  up.dtype[0] = operands.inType;
  up.dtype[4] = pool.type;
  up.dtype[5] = DType::F32;
  const auto slotElements =
      static_cast<int64_t>(pool.slotBytes / byteSize(pool.type));
  const int64_t dims[] = {static_cast<int64_t>(experts),
                          1,
                          bank.hidden,
                          bank.inner,
                          pool.hostImages,
                          slotElements,
                          bank.gateOffset,
                          bank.upOffset};
  std::copy(std::begin(dims), std::end(dims), up.dim);
  up.maxRows = static_cast<int64_t>(count);

  KernelArgs down = up;
  down.data[0] = inner.data();
  down.dtype[0] = DType::F32;
  down.data[5] = operands.outputs;
  down.dim[6] = bank.downOffset;
  down.dim[7] = 0;
  launches = {HostLaunch{Kernel::ExpertGateUp, up, up.maxRows},
              HostLaunch{Kernel::ExpertDown, down, up.maxRows}};
  backend.label({"host experts", static_cast<int32_t>(bank.layer), -1});
  running = true;
  return backend.startHostWork(launches);
}

Status HostJob::wait(Backend &backend) {
  if (!running)
    return Status::ok();
  running = false;
  return backend.waitHostWork();
}

} // namespace sluice::experts
