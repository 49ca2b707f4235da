//===- host_tables.cpp - Which pairs the CPU computes ---------------------===//

#include "runtime/executor/experts/host_tables.h"

#include <algorithm>

namespace sluice::experts {

Status HostTables::bring(int32_t *device, int32_t *host, const HostJob &job,
                         Backend &backend) {
  this->device = device;
  pairs = static_cast<size_t>(job.firstPair(job.experts()));
  int32_t *offsets = std::copy_n(job.pairs(), pairs, host);
  for (size_t index = 0; index <= job.experts(); ++index)
    *offsets++ = static_cast<int32_t>(job.firstPair(index));
  return backend.upload(StreamKind::Compute, device, host,
                        static_cast<uint64_t>(offsets - host) *
                            sizeof(int32_t));
}

} // namespace sluice::experts
