//===- read_list.cpp - How an expert comes from the files -----------------===//

#include "runtime/experts/disk/read_list.h"

#include <algorithm>
#include <tuple>

namespace sluice::experts {
namespace {

/// Of a run: far below the system's limit of 1024 parts a read.
constexpr size_t kMostSegments = 256;

/// What a kernel that reads the image in place may count on.
constexpr uint64_t kImageAlignment = 8;

uint64_t down(uint64_t value, uint64_t block) { return value / block * block; }
uint64_t up(uint64_t value, uint64_t block) {
  return (value + block - 1) / block * block;
}

} // namespace

uint64_t ReadLists::chooseShift(std::span<const Segment> segments) const {
  const Segment *largest = nullptr;
  for (const Segment &segment : segments)
    if (files.isDirect(segment.file) &&
        (!largest || segment.bytes > largest->bytes))
      largest = &segment;
  if (!largest || !shifts)
    return 0;
  // Unsigned differences are right modulo a block even where they wrap.
  uint64_t shift =
      (largest->offset - largest->target - placeStart) % kReadBlock;
  return (placeStart + shift) % kImageAlignment == 0 ? shift : 0;
}

void ReadLists::addRun(std::span<const Segment> segments, Entry &entry,
                       uint64_t &scratch) {
  const uint32_t file = segments.front().file;
  const uint64_t size = block(file);
  const uint64_t begin = down(segments.front().offset, size);
  const uint64_t need = segments.back().offset + segments.back().bytes;
  const uint64_t end = up(need, size);
  ReadRun run{file, uint32_t(parts.size() - entry.part), 0, begin,
              need - begin};

  uint64_t at = begin;
  auto toScratch = [&](uint64_t until) {
    if (until == at)
      return;
    for (const Segment &segment : segments) {
      uint64_t from = std::max(at, segment.offset);
      uint64_t to = std::min(until, segment.offset + segment.bytes);
      if (from < to)
        moves.push_back({scratch + (from - at),
                         entry.shift + segment.target + (from - segment.offset),
                         to - from});
    }
    parts.push_back({true, scratch, until - at});
    scratch += until - at;
    at = until;
  };
  for (const Segment &segment : segments) {
    const uint64_t inPlace = entry.shift + segment.target;
    if ((placeStart + inPlace - segment.offset) % size != 0)
      continue;
    const uint64_t from = up(segment.offset, size);
    const uint64_t to = down(segment.offset + segment.bytes, size);
    if (from >= to)
      continue;
    toScratch(from);
    parts.push_back({false, inPlace + (from - segment.offset), to - from});
    at = to;
  }
  toScratch(end);
  run.parts = uint32_t(parts.size() - entry.part) - run.firstPart;
  runs.push_back(run);
}

void ReadLists::add(std::span<Segment> segments) {
  std::sort(segments.begin(), segments.end(),
            [](const Segment &a, const Segment &b) {
              return std::tie(a.file, a.offset, a.target) <
                     std::tie(b.file, b.offset, b.target);
            });
  Entry entry;
  entry.shift = chooseShift(segments);
  entry.run = uint32_t(runs.size());
  entry.part = uint32_t(parts.size());
  entry.move = uint32_t(moves.size());
  uint64_t scratch = 0;
  for (size_t first = 0; first < segments.size();) {
    const uint64_t size = block(segments[first].file);
    size_t last = first;
    // Ranges that share bytes go to two places, so they need two reads.
    for (size_t next = first + 1;
         next < segments.size() && next - first < kMostSegments; ++next) {
      const Segment &before = segments[last], &after = segments[next];
      const uint64_t end = before.offset + before.bytes;
      if (after.file != before.file || after.offset < end ||
          down(after.offset, size) > up(end, size))
        break;
      last = next;
    }
    addRun(segments.subspan(first, last - first + 1), entry, scratch);
    first = last + 1;
  }
  entry.runs = uint32_t(runs.size()) - entry.run;
  entry.parts = uint32_t(parts.size()) - entry.part;
  entry.moves = uint32_t(moves.size()) - entry.move;
  entries.push_back(entry);
  runsMost = std::max(runsMost, entry.runs);
  partsMost = std::max(partsMost, entry.parts);
  scratchMost = std::max(scratchMost, scratch);
}

ReadList ReadLists::operator[](size_t index) const {
  const Entry &entry = entries[index];
  return {entry.shift, std::span(runs).subspan(entry.run, entry.runs),
          std::span(parts).subspan(entry.part, entry.parts),
          std::span(moves).subspan(entry.move, entry.moves)};
}

} // namespace sluice::experts
