//===- host_job.h - Experts that the CPU computes ---------------*- C++ -*-===//
//
// The weights are read where they lie in the host pool; the rows are gathered
// one behind the other, so that results come out as one short block for one
// copy to the device. Portable kernels: the same bits as on the device.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/host_work.h"
#include "runtime/executor/experts/demand.h"
#include "runtime/executor/experts/operands.h"

#include <array>

namespace sluice::experts {

class HostJob {
public:
  /// Room for `pairs` pairs of a bank. While the plan is bound.
  void reserve(const Bank &bank, uint32_t pairs, DType inType);

  /// Starts the demand's experts `onHost`; nothing when there are none.
  Status start(const Demand &demand, const HostOperands &operands,
               Backend &backend);
  /// Waits for them.
  Status wait(Backend &backend);

  /// The pairs computed, in the order of the rows of the outputs.
  std::span<const int32_t> pairs() const { return {computed.data(), count}; }

private:
  std::vector<std::byte> rows;   ///< [pairs, hidden]
  std::vector<float> inner;      ///< [pairs, inner]
  std::vector<int32_t> computed; ///< [pairs]
  std::vector<int32_t> order;    ///< [pairs]: 0, 1, 2, ...
  std::vector<int32_t> offsets, slots;
  std::array<HostLaunch, 2> launches;
  size_t count = 0;
  bool running = false;
};

} // namespace sluice::experts
