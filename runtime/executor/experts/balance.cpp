//===- balance.cpp - How many experts the CPU takes -----------------------===//

#include "runtime/executor/experts/balance.h"

#include <algorithm>

namespace sluice::experts {
namespace {

/// Weight of what was seen last in the mean.
constexpr double kWeight = 1.0 / 8;
/// What interrupted a thread counts as no more than so many times the mean.
constexpr double kMost = 2;
/// The same for how a bank differs, which changes seldom; the first few count
/// alike, and that it does not differ as kUnseen more.
constexpr double kMultipleWeight = 1.0 / 16;
constexpr uint32_t kUnseen = 2;
constexpr double kForgiven = 63.0 / 64;

/// Thinks better of what is left out.
void forgive(double &mean, double &multiple) {
  mean *= kForgiven;
  // More than the others take, that is.
  multiple = std::min(multiple, 1 + kForgiven * (multiple - 1));
}

} // namespace

void Balance::learn(double &mean, Multiple &of, double experts, double us) {
  // Of less than one, what every job and copy costs is too large a part.
  if (experts < 1)
    return;
  const double one = us / experts;
  if (mean == 0) {
    mean = one;
    return;
  }
  const double counts = std::min(one, kMost * mean * of.value);
  const double multiple = counts / mean;
  mean += kWeight * (counts / of.value - mean);
  ++of.seen;
  of.value += std::max(kMultipleWeight, 1.0 / (of.seen + kUnseen)) *
              (multiple - of.value);
}

bool Balance::hasLearned(float share) const {
  return share > 0 && share < 1 && learned.host > 0 && learned.bus > 0;
}

ExpertTimes Balance::times(uint32_t bank, float share) const {
  const Multiples &multiples = ofBanks[bank];
  if (hasLearned(share))
    return {learned.host * multiples.host.value,
            learned.bus * multiples.bus.value};
  return {1 / static_cast<double>(share), 1 / (1 - static_cast<double>(share))};
}

void Balance::ranOnHost(uint32_t bank, double experts, double us) {
  learn(learned.host, ofBanks[bank].host, experts, us);
}

void Balance::moved(uint32_t bank, double experts, double us, bool isExact) {
  Multiple &multiple = ofBanks[bank].bus;
  // The most that it took says something where it is less than what is known.
  if (isExact || learned.bus == 0 ||
      us < experts * learned.bus * multiple.value)
    learn(learned.bus, multiple, experts, us);
}

void Balance::leftOut(uint32_t bank, bool host, bool bus) {
  if (host)
    forgive(learned.host, ofBanks[bank].host.value);
  if (bus)
    forgive(learned.bus, ofBanks[bank].bus.value);
}

} // namespace sluice::experts
