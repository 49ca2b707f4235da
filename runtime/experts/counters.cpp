//===- counters.cpp - What the expert store did ---------------------------===//

#include "runtime/experts/counters.h"

#include <iterator>

namespace sluice::experts {

namespace {
constexpr uint64_t Counters::*kAll[] = {
    &Counters::demands,         &Counters::hits,
    &Counters::misses,          &Counters::evictions,
    &Counters::prefetched,      &Counters::prefetchUsed,
    &Counters::prefetchDropped, &Counters::fetchedBytes,
    &Counters::prefetchedBytes, &Counters::wastedBytes,
    &Counters::hostExperts,     &Counters::hostBytes};
static_assert(sizeof(Counters) == std::size(kAll) * sizeof(uint64_t));
} // namespace

Counters &Counters::operator+=(const Counters &other) {
  for (auto one : kAll)
    this->*one += other.*one;
  return *this;
}

Counters Counters::since(const Counters &earlier) const {
  Counters rest = *this;
  for (auto one : kAll)
    rest.*one -= earlier.*one;
  return rest;
}

} // namespace sluice::experts
