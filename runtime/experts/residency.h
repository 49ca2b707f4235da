//===- residency.h - Which experts have a slot ------------------*- C++ -*-===//
//
// The table behind a pool of slots. Plain arrays in a fixed layout and no
// pointer in them, so that a device kernel can read or keep the same table. It
// moves no bytes: whoever copies weights tells it what happened.
//
//   Free --take--> Arriving --arrived--> Ready --take of another, forget--> ...
//
// A slot is evictable when it is Ready and not held.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/experts/counters.h"
#include "runtime/experts/ids.h"
#include "runtime/experts/policy.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice::experts {

enum class SlotState : uint8_t { Free, Arriving, Ready };

/// Why a slot is taken; only the counters differ.
enum class Purpose : uint8_t {
  Demand,   ///< A miss: counts as fetched bytes.
  Prefetch, ///< Before the demand: counts as prefetched.
  Load,     ///< Before the first step: counts as neither.
};

/// One pool's table. Not thread-safe. Nothing allocates after construction.
class Residency {
public:
  /// `bankExperts`: experts of each bank. `slotBytes`: what one copy moves, for
  /// the counters. `policy` must not be null.
  Residency(uint32_t slots, std::span<const uint32_t> bankExperts,
            std::unique_ptr<Policy> policy, uint64_t slotBytes = 0);

  uint32_t id(uint32_t bank, uint32_t expert) const {
    return firstId[bank] + expert;
  }
  uint32_t bankOf(uint32_t id) const { return banks[id]; }
  /// The expert's number in its bank.
  uint32_t expertOf(uint32_t id) const { return id - firstId[banks[id]]; }
  uint32_t experts() const { return static_cast<uint32_t>(banks.size()); }
  uint32_t slots() const { return static_cast<uint32_t>(owners.size()); }

  /// kNone when the expert has no slot.
  uint32_t slotOf(uint32_t id) const { return slotOfId[id]; }
  /// kNone when the slot is free.
  uint32_t ownerOf(uint32_t slot) const { return owners[slot]; }
  SlotState state(uint32_t slot) const { return states[slot]; }
  bool isHeld(uint32_t slot) const { return held[slot] != 0; }

  /// A step of the model begins.
  void beginStep() { policy->onStep(); }
  /// A layer demands `id` for `rows` rows: counts a hit (it has a slot, Ready
  /// or Arriving) or a miss, and tells the policy. Call it for all experts of
  /// the layer, and hold() those with a slot, before the first take().
  void use(uint32_t id, uint32_t rows);
  /// A slot for `id`, which must have none: a free one, else the policy's
  /// victim. It is Arriving and held. kNone when every slot is held or
  /// arriving; nothing has changed then.
  uint32_t take(uint32_t id, Purpose purpose = Purpose::Demand);
  /// The copy into `slot` is done, or ordered before whatever reads it.
  void arrived(uint32_t slot);
  /// Holding is a flag, no count: hold and release do not nest.
  void hold(uint32_t slot);
  void release(uint32_t slot);
  /// The slot is Free again, whatever it was; of a prefetched expert that was
  /// never used, the bytes are wasted. No eviction is counted.
  void forget(uint32_t slot);

  /// The CPU computed `id`, a miss, from `bytes` of weights in host memory.
  void ranOnHost(uint32_t id, uint64_t bytes);
  /// Of `id`, which the CPU was given and which has been taken for a demand
  /// since, only the last `bytes` of the weights move, and the CPU reads the
  /// others.
  void handedOver(uint32_t id, uint64_t bytes);
  /// `count` predictions were given up before their copy began.
  void droppedPrefetches(uint64_t count) { sums.prefetchDropped += count; }

  const Counters &counters() const { return sums; }
  const char *policyName() const { return policy->name(); }

private:
  void leave(uint32_t slot);
  void updateEvictable(uint32_t slot);

  std::unique_ptr<Policy> policy;
  std::vector<uint32_t> firstId;  ///< [banks]
  std::vector<uint32_t> banks;    ///< [experts]
  std::vector<uint32_t> slotOfId; ///< [experts]
  std::vector<uint32_t> owners;   ///< [slots]
  std::vector<SlotState> states;  ///< [slots]
  std::vector<uint8_t> held;      ///< [slots]
  std::vector<uint8_t> evictable; ///< [slots], 1: Ready and not held.
  std::vector<uint8_t> unused;    ///< [slots], 1: prefetched, not used yet.
  uint32_t freeSlots;
  uint32_t currentBank = 0; ///< Of the latest use.
  uint64_t slotBytes;
  Counters sums;
};

} // namespace sluice::experts
