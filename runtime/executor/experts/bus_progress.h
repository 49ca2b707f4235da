//===- bus_progress.h - How far the copies of a demand are ------*- C++ -*-===//
//
// When the bus will have moved what a demand waits for, from the copies that
// were seen to arrive: memory on another node of the machine is slower, so that
// what other layers took says little of the one under way. Arithmetic alone:
// whoever uses it asks for the events.
//
// One thread. Times are of one clock, in microseconds.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::experts {

class BusProgress {
public:
  /// Reserves room for so many copies between two calls of begin.
  void reserve(size_t copies) { events.reserve(copies); }

  /// Nothing is on its way yet. As long as nothing else is seen an expert takes
  /// `oneUs`.
  void begin(double nowUs, double oneUs);
  /// A copy of so much of an expert, behind the others, with `event` at its
  /// end.
  void add(uint32_t event, double experts, double nowUs);
  /// A copy of an expert that is under way already, nobody knows since when. In
  /// front of all others.
  void addBegun(uint32_t event);

  /// Copies that were not seen to arrive, and the event of the first of them.
  size_t waiting() const { return events.size() - arrived; }
  uint32_t event() const { return events[arrived].event; }
  /// The first copy that was waited for has arrived. Others may have too:
  /// looked says that all was asked for.
  void arrive();
  /// All events were asked for, up to one that has not come.
  void looked(double nowUs);

  /// Experts' worth that was added since begin, arrived or not.
  double added() const { return addedExperts; }
  /// What one expert takes.
  double oneUs() const { return one; }
  /// When everything will have arrived, at `nowUs` or later.
  double endUs(double nowUs) const;

  /// What the bus moved without a pause.
  struct Moved {
    double experts = 0, us = 0;
    bool isExact = false; ///< Else it was seen late, and `us` is the most.
  };
  /// The latest, when it is all there and it is known when it began.
  std::optional<Moved> moved() const;

private:
  struct Copy {
    uint32_t event;
    double experts;
  };

  std::vector<Copy> events;
  size_t arrived = 0;
  size_t begun = 0; ///< Copies that were under way before.
  /// Since when the bus has not stood idle, as far as that is known, and what
  /// it has moved since and will move.
  double startUs = 0, doneExperts = 0, leftExperts = 0;
  double addedExperts = 0;
  double lookedUs = 0, arrivedUs = 0; ///< Of the latest of both.
  double one = 0;
  bool isMeasured = false; ///< startUs is when the first of `done` began.
  bool isExact = false;    ///< arrivedUs is.
  bool hasCome = false;    ///< Since looked was called.
};

} // namespace sluice::experts
