//===- counters.cpp - What the expert store did ---------------------------===//

#include "runtime/experts/counters.h"

namespace sluice::experts {

Counters &Counters::operator+=(const Counters &other) {
  demands += other.demands;
  hits += other.hits;
  misses += other.misses;
  evictions += other.evictions;
  prefetched += other.prefetched;
  prefetchUsed += other.prefetchUsed;
  prefetchDropped += other.prefetchDropped;
  fetchedBytes += other.fetchedBytes;
  prefetchedBytes += other.prefetchedBytes;
  wastedBytes += other.wastedBytes;
  hostExperts += other.hostExperts;
  hostBytes += other.hostBytes;
  return *this;
}

Counters Counters::since(const Counters &earlier) const {
  return {.demands = demands - earlier.demands,
          .hits = hits - earlier.hits,
          .misses = misses - earlier.misses,
          .evictions = evictions - earlier.evictions,
          .prefetched = prefetched - earlier.prefetched,
          .prefetchUsed = prefetchUsed - earlier.prefetchUsed,
          .prefetchDropped = prefetchDropped - earlier.prefetchDropped,
          .fetchedBytes = fetchedBytes - earlier.fetchedBytes,
          .prefetchedBytes = prefetchedBytes - earlier.prefetchedBytes,
          .wastedBytes = wastedBytes - earlier.wastedBytes,
          .hostExperts = hostExperts - earlier.hostExperts,
          .hostBytes = hostBytes - earlier.hostBytes};
}

} // namespace sluice::experts
