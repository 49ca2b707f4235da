//===- disk_tier.h - Experts that are read when wanted ----------*- C++ -*-===//
#pragma once

#include "runtime/experts/arrival.h"
#include "runtime/experts/disk/disk_reader.h"
#include "runtime/experts/expert_segments.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::experts {

/// The rings of a plan's pools and the reads into them. The rules are
/// ExpertHome's.
class DiskTier {
public:
  /// A ring: the bounce buffer of a pool, or nothing.
  struct Ring {
    std::span<std::byte> memory;
    uint64_t slotBytes = 0;
  };
  /// Where the bytes come from.
  enum class Weights {
    Files,
    MadeUp, ///< `files` is empty.
    None,   ///< Nothing is read, reads take the time of a VirtualDisk.
  };

  /// `onDisk` says for each expert whether it is read here; at least one is.
  /// `rings` are those of the plan's pools. `disk` is there with Weights::None,
  /// and outlives the tier.
  static Result<std::unique_ptr<DiskTier>>
  make(const plan::fb::Plan &plan, ExpertSegments &segments,
       const std::vector<bool> &onDisk, std::span<const Ring> rings,
       WeightFiles files, Weights weights, VirtualDisk *disk);
  ~DiskTier();

  Result<bool> startRead(uint32_t bank, uint32_t expert);
  Result<std::optional<Arrival>> poll();
  Result<Arrival> waitRead();
  void doneWith(const std::byte *image);
  uint32_t readsInFlight() const { return inFlight; }

private:
  struct Pool;
  struct Place;

  DiskTier(const plan::fb::Plan &plan, const ExpertSegments &segments,
           WeightFiles files);
  Status makePlaces(std::span<const Ring> rings);
  Status makeLists(ExpertSegments &segments, const std::vector<bool> &onDisk);
  Status makeScratch();
  Status makeReader(Weights weights, VirtualDisk *disk);
  void fill(uint32_t place);
  VirtualRead describe(uint32_t place) const;
  Result<Arrival> over(uint32_t place);

  const plan::fb::Plan &plan;
  const ExpertSegments &segments;
  WeightFiles files;
  std::vector<Pool> pools;
  std::vector<Place> places;
  std::vector<uint32_t> listOf; ///< Of each expert: which of its pool's lists.
  std::vector<ReadRequest> requests; ///< One a place.
  std::unique_ptr<DiskReader> reader;
  uint32_t inFlight = 0;
};

} // namespace sluice::experts
