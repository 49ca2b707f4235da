//===- read_pieces.cpp - Many ranges as few large reads -------------------===//

#include "runtime/io/read_pieces.h"

#include <algorithm>
#include <tuple>

namespace sluice {
namespace {

/// Reading so many bytes for nothing costs less than another read.
constexpr uint64_t kNear = uint64_t{32} << 10;

} // namespace

ReadPieces cutIntoPieces(std::vector<WantedRange> ranges, uint64_t mostBytes) {
  std::sort(ranges.begin(), ranges.end(),
            [](const WantedRange &a, const WantedRange &b) {
              return std::tie(a.file, a.offset, a.bytes, a.target) <
                     std::tie(b.file, b.offset, b.bytes, b.target);
            });
  ReadPieces cut;
  auto add = [&](const WantedRange &range) {
    const uint64_t end = range.offset + range.bytes;
    if (!cut.pieces.empty()) {
      ReadPiece &last = cut.pieces.back();
      const uint64_t lastEnd = last.offset + last.bytes;
      const uint64_t both = std::max(end, lastEnd) - last.offset;
      if (last.file == range.file && both <= mostBytes &&
          range.offset <= lastEnd + kNear) {
        last.bytes = both;
        ++last.count;
        cut.ranges.push_back(range);
        return;
      }
    }
    cut.pieces.push_back(
        {range.file, range.offset, range.bytes, cut.ranges.size(), 1});
    cut.ranges.push_back(range);
  };
  for (const WantedRange &range : ranges)
    for (uint64_t at = 0; at < range.bytes; at += mostBytes) {
      WantedRange part = range;
      part.offset += at;
      part.target += at;
      part.bytes = std::min(mostBytes, range.bytes - at);
      add(part);
    }
  return cut;
}

} // namespace sluice
