//===- wave_tables.cpp - Which pairs each wave computes -------------------===//

#include "runtime/executor/experts/wave_tables.h"

#include <algorithm>

namespace sluice::experts {

void WaveTables::begin(int32_t *device, int32_t *host, size_t experts,
                       size_t pairs) {
  this->device = device;
  this->host = host;
  this->experts = experts;
  this->pairs = pairs;
  filled = filledPairs = 0;
  host[0] = 0;
}

Status WaveTables::upload(const Demand &demand, Backend &backend) {
  const size_t known = demand.sequence.size();
  const size_t firstItem = filled, firstPair = filledPairs;
  int32_t *slots = host + experts + 1, *order = host + 2 * experts + 1;
  for (; filled < known; ++filled) {
    const Item &item = demand.items[demand.sequence[filled]];
    slots[filled] = static_cast<int32_t>(item.slot);
    std::copy_n(demand.pairs.begin() + item.firstPair, item.pairs,
                order + filledPairs);
    filledPairs += item.pairs;
    host[filled + 1] = static_cast<int32_t>(filledPairs);
  }
  backend.label(
      {"expert tables", static_cast<int32_t>(demand.bank->layer), -1});
  if (firstItem == 0 && known == experts)
    return copy(0, 2 * experts + 1 + filledPairs, backend);
  SLUICE_RETURN_IF_ERROR(
      copy(firstItem == 0 ? 0 : firstItem + 1, known + 1, backend));
  SLUICE_RETURN_IF_ERROR(
      copy(experts + 1 + firstItem, experts + 1 + known, backend));
  return copy(2 * experts + 1 + firstPair, 2 * experts + 1 + filledPairs,
              backend);
}

Status WaveTables::copy(size_t first, size_t end, Backend &backend) {
  return backend.upload(StreamKind::Compute, device + first, host + first,
                        (end - first) * sizeof(int32_t));
}

} // namespace sluice::experts
