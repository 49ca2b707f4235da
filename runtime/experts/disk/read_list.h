//===- read_list.h - How an expert comes from the files ---------*- C++ -*-===//
//
// The projections of an expert lie in up to a few places of up to a few files,
// at any offset. Direct reads take whole blocks and write whole blocks. So:
//
// 1. Ranges of a file that touch (their blocks do) become one run: one read,
//    of the whole blocks around it.
// 2. The image is shifted inside its place so that its largest range lies as
//    far from a block's start as it does in the file. Whole blocks of this
//    range, and of others with the same distance, are then read to where they
//    belong: the usual case, since the tensors of a checkpoint are multiples of
//    a block and the header in front shifts all alike.
// 3. Blocks at the edges of ranges, and ranges that lie differently, are read
//    into scratch memory by the same read (one vector of parts a run) and
//    moved from there.
//
// Files that refuse direct reads have blocks of one byte: everything is read to
// its place.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/io/weight_files.h"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::experts {

/// A range of a file and where it goes in the slot image.
struct Segment {
  uint32_t file;
  uint64_t offset, bytes, target;
};

/// Where a piece of a run goes: at `offset` of the place or of the scratch.
struct ReadPart {
  bool scratch;
  uint64_t offset, bytes;
};

/// One read: `parts` follow each other in the file from `offset`, which is a
/// block's start. At least the first `need` bytes must come; what is beyond may
/// lie behind the end of the file.
struct ReadRun {
  uint32_t file;
  uint32_t firstPart, parts;
  uint64_t offset, need;
};

/// A copy from the scratch to the place, after all runs are done.
struct ReadMove {
  uint64_t from, to, bytes;
};

/// The reads of one expert.
struct ReadList {
  uint64_t shift = 0; ///< The image's offset in the place.
  std::span<const ReadRun> runs;
  std::span<const ReadPart> parts;
  std::span<const ReadMove> moves;
};

/// The reads of all experts on disk, made once at load.
class ReadLists {
public:
  /// `placeStart`: the address of every place, modulo kReadBlock. `shifts`:
  /// whether places have room to shift images by up to a block.
  ReadLists(const WeightFiles &files, uint64_t placeStart, bool shifts)
      : files(files), placeStart(placeStart), shifts(shifts) {}

  /// Appends the list of the next expert. `segments` must not overlap in the
  /// image; they are sorted here. Each lies inside its file.
  void add(std::span<Segment> segments);

  ReadList operator[](size_t index) const;

  /// The most that any one list has.
  uint32_t mostRuns() const { return runsMost; }
  uint32_t mostParts() const { return partsMost; }
  uint64_t mostScratch() const { return scratchMost; }

private:
  struct Entry {
    uint64_t shift = 0;
    uint32_t run = 0, part = 0, move = 0;
    uint32_t runs = 0, parts = 0, moves = 0;
  };
  uint64_t block(uint32_t file) const {
    return files.isDirect(file) ? kReadBlock : 1;
  }
  uint64_t chooseShift(std::span<const Segment> segments) const;
  void addRun(std::span<const Segment> segments, Entry &entry,
              uint64_t &scratch);

  const WeightFiles &files;
  uint64_t placeStart;
  bool shifts;
  std::vector<Entry> entries;
  std::vector<ReadRun> runs;
  std::vector<ReadPart> parts;
  std::vector<ReadMove> moves;
  uint32_t runsMost = 0, partsMost = 0;
  uint64_t scratchMost = 0;
};

} // namespace sluice::experts
