//===- expert_order.h - In which order a layer's experts are used *- C++
//-*-===//
//
// An entry uses the experts of a bank in a fixed order: demand, split, fetch,
// run_host, run, join, release. Split, run_host and join come all three or not
// at all. Part follows part, and one part is released before anything else is
// demanded: there is one set of held slots and one job of the host at a time.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::plan {

class ExpertOrder {
public:
  enum class Stage : uint8_t {
    Demand,
    Split,
    Fetch,
    RunHost,
    Run,
    Join,
    Release,
  };

  explicit ExpertOrder(size_t banks) : banks(banks) {}

  // Each returns what is wrong, in the words of an error, or nothing. `bank` is
  // in range.

  /// A demand of `part` of `parts`.
  std::optional<std::string> demand(uint32_t bank, uint32_t part,
                                    uint32_t parts);
  /// Any later stage.
  std::optional<std::string> advance(uint32_t bank, uint32_t part, Stage stage);
  /// The end of the entry.
  std::optional<std::string> finish() const;

  /// Whether the entry has demanded the bank so far.
  bool demanded(uint32_t bank) const { return banks[bank].parts > 0; }
  /// The parts of the demand that is open.
  uint32_t openParts() const { return banks[*open].parts; }

private:
  struct Bank {
    uint32_t parts = 0;    ///< Of its demands; 0 before the first.
    uint32_t released = 0; ///< How many parts are.
  };
  std::string describe(uint32_t bank, uint32_t part) const;

  std::vector<Bank> banks;
  std::optional<uint32_t> open; ///< The bank demanded and not released.
  uint32_t openPart = 0;
  Stage stage = Stage::Release; ///< The last one of the open part.
  bool split = false;           ///< The open part is split.
};

} // namespace sluice::plan
