//===- tail_tables.cpp - What the device takes over of the CPU's ----------===//

#include "runtime/executor/experts/tail_tables.h"

#include <algorithm>
#include <utility>

namespace sluice::experts {

void TailTables::begin(int32_t *device, int32_t *host, const HostJob &job) {
  this->device = device;
  this->host = host;
  filled = static_cast<size_t>(job.firstPair(job.experts()));
  uploaded = 0;
  std::copy_n(job.pairs(), filled, host);
}

Status TailTables::add(const HostJob &job, size_t first, size_t end,
                       const Demand &demand, Backend &backend) {
  this->first = first;
  count = end - first;
  at = filled;
  for (size_t index = first; index <= end; ++index)
    host[filled++] = static_cast<int32_t>(job.firstPair(index));
  for (size_t index = first; index < end; ++index)
    host[filled++] =
        static_cast<int32_t>(demand.items[demand.onHost[index]].slot);
  backend.label(
      {"expert tables", static_cast<int32_t>(demand.bank->layer), -1});
  const size_t from = std::exchange(uploaded, filled);
  return backend.upload(StreamKind::Compute, device + from, host + from,
                        (filled - from) * sizeof(int32_t));
}

} // namespace sluice::experts
