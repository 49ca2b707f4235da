//===- policy.h - Which expert leaves when a slot is needed -----*- C++ -*-===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/experts/ids.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::experts {

/// A rule of eviction. Told of every use, also of experts without a slot.
/// Nothing allocates after construction. Not thread-safe. Deterministic: the
/// same calls give the same victims; ties go to the smaller slot.
class Policy {
public:
  virtual ~Policy() = default;
  virtual const char *name() const = 0;
  /// A step of the model begins.
  virtual void onStep() = 0;
  /// Expert `id` was demanded by `rows` >= 1 rows.
  virtual void onUse(uint32_t id, uint32_t rows) = 0;
  /// `id` was given a slot, after its demand or before it (prefetch).
  virtual void onArrive(uint32_t id) = 0;
  /// `id` lost its slot.
  virtual void onEvict(uint32_t id) = 0;
  /// The slot to empty, kNone when none is evictable. Both spans have one entry
  /// a slot: the id in it (kNone: empty), and 1 where it may be evicted.
  /// `currentBank` is the bank of the latest use.
  virtual uint32_t victim(std::span<const uint32_t> ownerOfSlot,
                          std::span<const uint8_t> evictable,
                          uint32_t currentBank) = 0;
};

/// What a policy is made for. Read in makePolicy only.
struct PolicyShape {
  std::span<const uint32_t> bankExperts; ///< Experts of each bank.
  /// Expected uses a token of each id, 0..1; empty when nothing is known.
  std::span<const float> popularity = {};
  /// What a miss of each id costs, above 0 and in any unit: one that must be
  /// read from the disk some 20 times as much as one that only crosses the bus.
  /// Only next_use looks at it. Empty: all the same.
  std::span<const float> missCost = {};
};

/// The policies' names. Plans hold an index into this array: append only.
inline constexpr std::array<const char *, 4> kPolicyNames = {
    "lru", "lfu", "lfru", "next_use"};
inline constexpr uint8_t kDefaultPolicy = 3;

/// The policy of that name; an unknown one is InvalidArgument and names all.
Result<std::unique_ptr<Policy>> makePolicy(std::string_view name,
                                           const PolicyShape &shape);

} // namespace sluice::experts
