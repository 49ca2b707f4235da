//===- bus_progress.cpp - How far the copies of a demand are --------------===//

#include "runtime/executor/experts/bus_progress.h"

#include <algorithm>

namespace sluice::experts {
namespace {

/// What arrives between two looks that lie further apart, came nobody knows
/// when.
constexpr double kApartUs = 10;
/// Of less than an expert, what every copy costs is too large a part.
constexpr double kLeastExperts = 1;

} // namespace

void BusProgress::begin(double nowUs, double oneUs) {
  events.clear();
  arrived = begun = 0;
  doneExperts = leftExperts = addedExperts = 0;
  startUs = lookedUs = nowUs;
  one = oneUs;
  isMeasured = true;
  isExact = hasCome = false;
}

void BusProgress::add(uint32_t event, double experts, double nowUs) {
  if (waiting() == 0) { // It stood idle until now.
    startUs = lookedUs = nowUs;
    doneExperts = leftExperts = 0;
    isMeasured = true;
  }
  events.push_back({event, experts});
  leftExperts += experts;
  addedExperts += experts;
}

void BusProgress::addBegun(uint32_t event) {
  add(event, 1, startUs);
  begun = events.size();
  isMeasured = false;
}

void BusProgress::arrive() {
  const double experts = events[arrived++].experts;
  doneExperts += experts;
  leftExperts = waiting() == 0 ? 0 : leftExperts - experts;
  hasCome = true;
}

void BusProgress::looked(double nowUs) {
  if (hasCome) {
    arrivedUs = nowUs;
    isExact = nowUs - lookedUs <= kApartUs;
    if (isMeasured && doneExperts >= kLeastExperts) {
      const double most = (nowUs - startUs) / doneExperts;
      one = isExact ? most : std::min(one, most);
    } else if (!isMeasured && isExact && arrived >= begun) {
      // What is behind it begins now.
      startUs = nowUs;
      doneExperts = 0;
      isMeasured = true;
    }
  }
  hasCome = false;
  lookedUs = nowUs;
}

double BusProgress::endUs(double nowUs) const {
  if (waiting() == 0)
    return nowUs;
  return std::max(nowUs, startUs + (doneExperts + leftExperts) * one);
}

std::optional<BusProgress::Moved> BusProgress::moved() const {
  if (waiting() > 0 || doneExperts == 0 || !isMeasured)
    return std::nullopt;
  return Moved{doneExperts, arrivedUs - startUs, isExact};
}

} // namespace sluice::experts
