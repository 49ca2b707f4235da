//===- bpe.h - Byte-pair merging --------------------------------*- C++ -*-===//
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::text {

/// The merges of a byte-level BPE vocabulary. Filled once, then read by any
/// number of threads.
class Bpe {
public:
  static constexpr uint32_t kNone = UINT32_MAX;
  /// Ids are below it: the bits above mark positions while words are merged.
  static constexpr uint32_t kMaxIds = 1u << 30;

  /// `lengths[id]` is the bytes of token id. `byteIds[b]` is the token of the
  /// single byte b, or kNone: such a byte is left out, as Hugging Face does.
  Bpe(std::vector<uint32_t> lengths, const std::array<uint32_t, 256> &byteIds,
      size_t merges);
  Bpe() = default;

  /// Tokens `left` and `right` side by side become `merged`, the lower rank
  /// first. The same pair again replaces the one before.
  void addMerge(uint32_t left, uint32_t right, uint32_t rank, uint32_t merged);

  /// Working memory that grows to the longest word it has seen: about 4 bytes
  /// a byte of the word and 8 a possible merge.
  struct Scratch {
    std::vector<uint32_t> slots;
    std::vector<uint64_t> heap;
  };

  /// Appends the tokens of one word (the bytes between two cuts, at most 2^31).
  /// Time n log n in the bytes of the word.
  void encodeWord(std::string_view word, Scratch &scratch,
                  std::vector<int32_t> &ids) const;

private:
  struct Entry {
    uint64_t pair = UINT64_MAX;
    uint32_t rank = kNone, merged = kNone;
  };
  const Entry *find(uint32_t left, uint32_t right) const;

  std::vector<Entry> table; ///< Open addressing; a power of two.
  std::vector<uint32_t> lengths;
  std::array<uint32_t, 256> byteIds{};
};

} // namespace sluice::text
