//===- added_tokens.cpp -----------------------------------------*- C++ -*-===//
#include "runtime/text/added_tokens.h"
#include "runtime/text/unicode_tables.h"
#include "runtime/text/utf8.h"

namespace sluice::text {
namespace {

bool standsAlone(std::string_view before, std::string_view after) {
  return (before.empty() || !contains(wordCharacters(), lastPoint(before))) &&
         (after.empty() || !contains(wordCharacters(), firstPoint(after)));
}

/// Bytes of white space at the end of `text`.
size_t spaceAtEnd(std::string_view text) {
  size_t bytes = 0, last = 0;
  while (bytes < text.size() &&
         contains(whiteSpace(),
                  lastPoint(text.substr(0, text.size() - bytes), &last)))
    bytes += last;
  return bytes;
}

/// Bytes of white space at the start of `text`.
size_t spaceAtStart(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    Utf8Step step = stepUtf8(text.substr(bytes));
    if (!contains(whiteSpace(), step.point))
      break;
    bytes += step.bytes;
  }
  return bytes;
}

} // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> given)
    : tokens(std::move(given)), nodes(1) {
  for (uint32_t i = 0; i < tokens.size(); ++i)
    insert(i);
}

uint32_t AddedTokenFinder::child(uint32_t node, char byte) const {
  uint32_t next = nodes[node].firstChild;
  while (next && nodes[next].byte != byte)
    next = nodes[next].sibling;
  return next;
}

void AddedTokenFinder::insert(uint32_t token) {
  uint32_t node = 0;
  for (char byte : tokens[token].content) {
    uint32_t next = child(node, byte);
    if (!next) {
      next = static_cast<uint32_t>(nodes.size());
      Node made;
      made.byte = byte;
      made.sibling = nodes[node].firstChild;
      nodes.push_back(made);
      nodes[node].firstChild = next;
      if (node == 0)
        roots[static_cast<uint8_t>(byte)] = next;
    }
    node = next;
  }
  if (node && nodes[node].token == UINT32_MAX)
    nodes[node].token = token;
}

void AddedTokenFinder::cut(std::string_view text,
                           const std::vector<SpecialRange> &specials,
                           std::vector<Piece> &pieces) const {
  size_t covered = 0; // Up to here everything is in `pieces`.
  auto range = specials.begin();
  for (size_t at = 0; at < text.size();) {
    uint32_t node = roots[static_cast<uint8_t>(text[at])];
    uint32_t found = UINT32_MAX;
    size_t end = at;
    for (size_t next = at + 1; node; ++next) {
      if (nodes[node].token != UINT32_MAX) {
        found = nodes[node].token;
        end = next;
      }
      node = next < text.size() ? child(node, text[next]) : 0;
    }
    if (found == UINT32_MAX) {
      ++at;
      continue;
    }
    const AddedToken &token = tokens[found];
    size_t start = at;
    at = end; // Also when the find is not wanted: the search goes on behind it.
    if (token.special) {
      while (range != specials.end() && range->end < end)
        ++range;
      if (range == specials.end() || start < range->begin)
        continue;
    }
    if (token.singleWord &&
        !standsAlone(text.substr(0, start), text.substr(end)))
      continue;
    // White space that the token before has swallowed is gone.
    if (token.lstrip && start > covered)
      start -= spaceAtEnd(text.substr(covered, start - covered));
    if (token.rstrip)
      end += spaceAtStart(text.substr(end));
    if (start > covered)
      pieces.push_back({Piece::kText, text.substr(covered, start - covered)});
    pieces.push_back({static_cast<int32_t>(token.id), {}});
    covered = end;
  }
  if (covered < text.size())
    pieces.push_back({Piece::kText, text.substr(covered)});
}

} // namespace sluice::text
