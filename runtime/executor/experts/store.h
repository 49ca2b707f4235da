//===- store.h - Pools of slots and banks of experts ------------*- C++ -*-===//
//
// A plan's pools and banks as bound at load: pointers, sizes, events, and the
// table of each pool that says which expert is in which slot.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/bound_memory.h"
#include "runtime/experts/residency.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::experts {

/// Slots of equal size on the device.
struct Pool {
  std::byte *data = nullptr;     ///< Device, slots * slotBytes.
  std::byte *hostData = nullptr; ///< Slot images of the host, or null.
  int64_t hostImages = 0;
  uint64_t slotBytes = 0;
  uint64_t waveBytes = 0;
  DType type = DType::BF16;
  uint32_t places = 0;     ///< Of the ring for experts from disk.
  uint32_t firstEvent = 0; ///< Slot s has arrived at event firstEvent + s.
  std::unique_ptr<Residency> residency;
  /// The last wave that reads each slot, as Transfers counts them.
  std::vector<uint64_t> readBy;

  std::byte *slot(uint32_t index) const { return data + index * slotBytes; }
  uint32_t event(uint32_t slot) const { return firstEvent + slot; }
};

/// What a disk read under way is for.
enum class Reading : uint8_t { No, Demand, Prefetch, Dropped };

/// The experts of one layer.
struct Bank {
  uint32_t index = 0; ///< Among all banks of the plan.
  uint32_t local = 0; ///< Among the banks of its pool.
  uint32_t layer = 0;
  Pool *pool = nullptr;
  uint32_t experts = 0, topK = 0;
  int64_t hidden = 0, inner = 0;
  int64_t gateOffset = 0, upOffset = 0, downOffset = 0; ///< Elements.
  /// i32 [latestRows, topK]: what the rows of the latest step asked for.
  std::vector<int32_t> latest;
  uint32_t latestRows = 0;
  std::vector<Reading> reading; ///< [experts]

  Residency &residency() const { return *pool->residency; }
  /// Where the down projection begins in an image, in bytes, when what
  /// ExpertGateUp reads lies before it; else 0.
  uint64_t front() const;
  /// The same as a share of the image.
  double frontShare() const;
  /// The expert's id in the table of its pool.
  uint32_t id(uint32_t expert) const { return residency().id(local, expert); }
};

/// All pools and banks of a plan. Pools do not move once it is made.
struct Store {
  std::vector<Pool> pools;
  std::vector<Bank> banks;

  // The largest of all banks.
  uint32_t maxExperts = 0;
  uint32_t maxPairs = 0; ///< Rows of the widest entry times top_k.

  /// Slot events count from `firstEvent`. `policy` as in LoadOptions.
  static Result<Store> bind(const plan::fb::Plan &plan,
                            const BoundMemory &memory, uint32_t firstEvent,
                            const std::string &policy);
  /// Slots of all pools.
  static uint32_t slots(const plan::fb::Plan &plan);

  Counters counters() const;
};

} // namespace sluice::experts
