//===- demand.h - What one layer of a step wants ----------------*- C++ -*-===//
#pragma once

#include "runtime/executor/experts/store.h"

#include <span>

namespace sluice::experts {

/// Where an expert of the demand is.
enum class Place : uint8_t {
  Slot,    ///< In a slot since before the demand.
  Coming,  ///< In a slot to which a prefetch is copying it.
  Missing, ///< In none.
  Sent,    ///< In a slot to which this demand copies it.
  Host,    ///< In none: the CPU computes it.
  Tail,    ///< The CPU began it; the rest of its down projection comes to a
           ///< slot, which is forgotten afterwards.
};

/// An expert that the demand wants.
struct Item {
  uint32_t expert = 0;
  uint32_t slot = kNone;
  uint32_t image = kNone; ///< Of the host pool, where the CPU computes.
  uint32_t firstPair = 0, pairs = 0; ///< A run of Demand::pairs.
  Place place = Place::Missing;
};

/// The demand of one part of one bank, from ExpertDemand to ExpertRelease and
/// its slots until the next. One is open at a time. All memory is reserved in
/// the constructor.
class Demand {
public:
  explicit Demand(const Store &store);

  /// Groups the pairs of the rows [firstRow, endRow) by expert, in increasing
  /// order of both. `ids`: [rows, topK] from row 0. With `all`, experts without
  /// a pair are items too. Internal when an id is out of range.
  Status open(Bank &bank, std::span<const int32_t> ids, uint32_t firstRow,
              uint32_t endRow, bool all);

  /// The index of the expert's item.
  uint32_t indexOf(uint32_t expert) const { return itemOf[expert]; }
  /// Items that wait for a slot, in whatever way.
  bool isIncomplete() const { return needsSlots() || readsDisk(); }
  /// Those of them that wait for nothing but a slot.
  bool needsSlots() const {
    return nextMissing < missing.size() || nextRead < read.size();
  }
  /// Some are still to come from disk.
  bool readsDisk() const { return nextUnread < unread.size() || reads > 0; }
  /// The CPU has a part in it.
  bool usesHost() const { return !onHost.empty(); }

  /// The bus may take over the end of what the CPU does.
  bool mayHandOver = false;
  float share = 0; ///< The CPU's part of the rates of both, where it may.
  bool isFetching = false; ///< Between its demand and the end of its run.
  Bank *bank = nullptr;
  uint32_t firstRow = 0, endRow = 0;

  std::vector<Item> items;    ///< By expert.
  std::vector<int32_t> pairs; ///< row * topK + rank, by item.

  // Items, by index. Each goes from a list of what is to be done to `sequence`.
  std::vector<uint32_t>
      missing; ///< With an image on the host; from nextMissing.
  std::vector<uint32_t> unread; ///< From disk; from nextUnread.
  struct Read {
    uint32_t item;
    const std::byte *image;
  };
  std::vector<Read> read;         ///< Read, without a slot; from nextRead.
  std::vector<uint32_t> onHost;   ///< For the CPU.
  std::vector<uint32_t> sequence; ///< In a slot or on the way, as they run.
  size_t nextMissing = 0, nextUnread = 0, nextRead = 0;
  uint32_t reads = 0; ///< Under way.

private:
  std::vector<uint32_t> itemOf; ///< [experts]
  std::vector<uint32_t> next;   ///< [experts], scratch.
};

} // namespace sluice::experts
