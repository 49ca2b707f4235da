//===- read_pieces.h - Many ranges as few large reads -----------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

/// A range of a file that is wanted somewhere.
struct WantedRange {
  uint32_t file = 0;
  uint32_t owner = 0;             ///< The caller's: what the range belongs to.
  uint64_t offset = 0, bytes = 0; ///< In the file.
  uint64_t target = 0;            ///< The caller's: where it goes.
  /// Where the tensor that the range is part of begins in the file.
  uint64_t tensorOffset = 0;
};

/// One read that serves the ranges [first, first + count).
struct ReadPiece {
  uint32_t file = 0;
  uint64_t offset = 0, bytes = 0;
  size_t first = 0, count = 0;
};

/// Ranges and the reads for them, both in the order of the files.
struct ReadPieces {
  std::vector<WantedRange> ranges;
  std::vector<ReadPiece> pieces;

  std::span<const WantedRange> of(const ReadPiece &piece) const {
    return std::span(ranges).subspan(piece.first, piece.count);
  }
};

/// Sorts `ranges` by file and offset, cuts those above `mostBytes` (a multiple
/// of 64: parts begin at multiples of 64 of their range) and gathers neighbours
/// into pieces of at most `mostBytes`. Ranges that are near each other share a
/// piece with what lies between them.
ReadPieces cutIntoPieces(std::vector<WantedRange> ranges, uint64_t mostBytes);

} // namespace sluice
