//===- balance.h - How many experts the CPU takes ---------------*- C++ -*-===//
//
// A missing expert comes over the bus or is computed where it lies, and both
// should end together. What each of them takes for one expert is learned while
// plans run, from the times of the host's own clock; until both are known the
// share of the plan stands for them. The experts of a bank lie together, and
// memory is not everywhere alike: where it is further away both are slower, by
// up to a half. How a bank differs from the others is learned apart from what
// changes for all of them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/experts/division.h"

#include <cstddef>
#include <vector>

namespace sluice::experts {

class Balance {
public:
  /// For so many banks.
  explicit Balance(size_t banks) : host(banks), bus(banks) {}

  /// What divide is to be asked with. `share`: the CPU's part of the rates
  /// of both, as the plan has it; 0 and 1 are orders and nothing is learned
  /// against them.
  ExpertTimes times(uint32_t bank, float share) const;

  /// Whether that is what was seen, in microseconds.
  bool hasLearned(float share) const;

  // What was seen. Parts of experts count as such; from less than one in all
  // nothing is learned.
  void ranOnHost(uint32_t bank, double experts, double us);
  /// Where `isExact` is false it took no more than that.
  void moved(uint32_t bank, double experts, double us, bool isExact);

  /// One side was given nothing: it is thought a little better of, so that one
  /// bad figure does not shut it out for ever.
  void leftOut(uint32_t bank, bool host, bool bus);

  /// How often the CPU and the bus were seen at work for the bank.
  struct Seen {
    uint32_t host = 0, bus = 0;
  };
  Seen seen(uint32_t bank) const {
    return {host.ofBanks[bank].seen, bus.ofBanks[bank].seen};
  }

private:
  /// One of both.
  struct Side {
    /// What one expert of a bank takes, as a multiple of the mean.
    struct Multiple {
      double value = 1;
      uint32_t seen = 0;
    };

    explicit Side(size_t banks) : ofBanks(banks) {}
    double oneUs(uint32_t bank) const { return mean * ofBanks[bank].value; }
    void learn(uint32_t bank, double experts, double us);
    void forgive(uint32_t bank);
    /// The multiples of what was seen are 1 on average, or mean and multiples
    /// would run away from each other, which none that is seen would show.
    void center();

    double mean = 0; ///< Of all banks; 0 where nothing was seen.
    std::vector<Multiple> ofBanks;
  };
  Side host, bus;
};

} // namespace sluice::experts
