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
/// alike, and that it does not differ as kUnseen of them.
constexpr double kMultipleWeight = 1.0 / 16;
constexpr uint32_t kUnseen = 2;
constexpr double kForgiven = 63.0 / 64;

} // namespace

void Balance::Side::learn(uint32_t bank, double experts, double us) {
  // Of less than one, what every job and copy costs is too large a part.
  if (experts < 1)
    return;
  Multiple &of = ofBanks[bank];
  ++of.seen;
  if (mean == 0) {
    mean = us / experts;
    return;
  }
  const double one = std::min(us / experts, kMost * oneUs(bank));
  const double multiple = one / mean;
  mean += kWeight * (one / of.value - mean);
  of.value += std::max(kMultipleWeight, 1.0 / (of.seen + kUnseen)) *
              (multiple - of.value);
  center();
}

void Balance::Side::center() {
  double sum = 0;
  int count = 0;
  for (const Multiple &of : ofBanks)
    if (of.seen > 0) {
      sum += of.value;
      ++count;
    }
  if (count == 0)
    return;
  const double average = sum / count;
  mean *= average;
  for (Multiple &of : ofBanks)
    if (of.seen > 0)
      of.value /= average;
}

void Balance::Side::forgive(uint32_t bank) {
  mean *= kForgiven;
  // More than the others take, that is.
  double &value = ofBanks[bank].value;
  value = std::min(value, 1 + kForgiven * (value - 1));
}

bool Balance::hasLearned(float share) const {
  return share > 0 && share < 1 && host.mean > 0 && bus.mean > 0;
}

ExpertTimes Balance::times(uint32_t bank, float share) const {
  if (hasLearned(share))
    return {host.oneUs(bank), bus.oneUs(bank)};
  return {1 / static_cast<double>(share), 1 / (1 - static_cast<double>(share))};
}

void Balance::ranOnHost(uint32_t bank, double experts, double us) {
  host.learn(bank, experts, us);
}

void Balance::moved(uint32_t bank, double experts, double us, bool isExact) {
  // The most that it took says something where it is less than what is known.
  if (isExact || bus.mean == 0 || us < experts * bus.oneUs(bank))
    bus.learn(bank, experts, us);
  else
    ++bus.ofBanks[bank].seen;
}

void Balance::leftOut(uint32_t bank, bool host, bool bus) {
  if (host)
    this->host.forgive(bank);
  if (bus)
    this->bus.forgive(bank);
}

} // namespace sluice::experts
