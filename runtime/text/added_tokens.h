//===- added_tokens.h - Tokens found before any splitting -------*- C++ -*-===//
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::text {

/// An entry of added_tokens in tokenizer.json.
struct AddedToken {
  std::string content;
  uint32_t id = 0;
  bool singleWord = false; ///< Not found beside a letter, digit or '_'.
  bool lstrip = false;     ///< Swallows the white space before it.
  bool rstrip = false;     ///< Swallows the white space behind it.
  bool normalized = true;  ///< Is looked for in normalised text.
  bool special = false;    ///< Steers the model; skipped when decoding.
};

/// Byte ranges [begin, end) of a text, in order, in which special tokens are
/// tokens; elsewhere they are plain text.
struct SpecialRange {
  size_t begin, end;
};

/// Finds added tokens in text: from left to right, the longest that begins at a
/// place, as Hugging Face's Aho-Corasick with leftmost-longest matching.
class AddedTokenFinder {
public:
  /// The tokens are copied. Of two with the same content the first counts.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens = {});

  struct Piece {
    static constexpr int32_t kText = -1;
    int32_t id; ///< kText for text that is yet to be split.
    std::string_view text;
  };

  /// Cuts valid UTF-8 into tokens and the text between them; appends to
  /// `pieces`. White space that a token swallows appears in no text.
  void cut(std::string_view text, const std::vector<SpecialRange> &specials,
           std::vector<Piece> &pieces) const;

private:
  struct Node {
    uint32_t token = UINT32_MAX;
    uint32_t firstChild = 0, sibling = 0; ///< 0: none (the root is no child).
    char byte = 0;
  };
  uint32_t child(uint32_t node, char byte) const;
  void insert(uint32_t token);

  std::vector<AddedToken> tokens;
  std::vector<Node> nodes;
  std::array<uint32_t, 256> roots{}; ///< Nodes of first bytes, 0: none.
};

} // namespace sluice::text
