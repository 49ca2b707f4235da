//===- unicode_tables.h - Where Unicode versions differ ---------*- C++ -*-===//
//
// Hugging Face tokenizers, PCRE2 and utf8proc each carry tables of another
// Unicode version. These are the differences, found by asking all of them about
// every code point (make_unicode_tables.py), so that token ids agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::text {

/// Both ends belong to it. Tables are sorted and their ranges disjoint.
struct CodePointRange {
  uint32_t first, last;
};

/// A general category that a split pattern may name, and the code points that
/// Hugging Face counts to it and PCRE2 10.42 (Unicode 14) does not. A newer
/// PCRE2 knows them already; naming them twice does no harm.
struct Category {
  std::string_view name;
  std::span<const CodePointRange> extra;
};

std::span<const Category> categories();
/// `\s` of the split pattern and of lstrip and rstrip.
std::span<const CodePointRange> whiteSpace();
/// `\w` around a single_word token.
std::span<const CodePointRange> wordCharacters();
/// Code points that NFC must leave where they are, as in the older tables of
/// Hugging Face: no combining class, no composition.
std::span<const CodePointRange> inertInNfc();

inline bool contains(std::span<const CodePointRange> table, uint32_t point) {
  auto after =
      std::upper_bound(table.begin(), table.end(), point,
                       [](uint32_t value, const CodePointRange &range) {
                         return value < range.first;
                       });
  return after != table.begin() && point <= (after - 1)->last;
}

} // namespace sluice::text
