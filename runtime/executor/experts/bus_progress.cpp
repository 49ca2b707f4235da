//===- bus_progress.cpp - How far the copies of a demand are --------------===//

#include "runtime/executor/experts/bus_progress.h"

#include <algorithm>

namespace sluice::experts {
namespace {

/// What arrives between two looks that lie further apart, came nobody knows
/// when.
constexpr double kApartUs = 10;

} // namespace

void BusProgress::begin(double nowUs, double oneUs) {
  events.clear();
  arrived = 0;
  doneExperts = leftExperts = 0;
  startUs = lookedUs = nowUs;
  one = oneUs;
  isExact = hasCome = false;
}

void BusProgress::add(uint32_t event, double experts, double nowUs) {
  if (waiting() == 0) { // It stood idle until now.
    startUs = lookedUs = nowUs;
    doneExperts = leftExperts = 0;
  }
  events.push_back({event, experts});
  leftExperts += experts;
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
    const double most = (nowUs - startUs) / doneExperts;
    one = isExact ? most : std::min(one, most);
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
  if (waiting() > 0 || doneExperts == 0)
    return std::nullopt;
  return Moved{doneExperts, arrivedUs - startUs, isExact};
}

} // namespace sluice::experts
