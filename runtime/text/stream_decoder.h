//===- stream_decoder.h - Tokens to text, one at a time ---------*- C++ -*-===//
#pragma once

#include "runtime/text/tokenizer.h"

#include <array>
#include <string>

namespace sluice::text {

/// Turns token ids into text as they come. A token may end within a code point:
/// its last bytes are held back until the next one completes or breaks them, so
/// that what is given out is always valid UTF-8 and never changes. All that is
/// given out together equals Tokenizer::decode of all ids.
///
/// Allocates nothing when `out` has room for capacityFor(1) more bytes.
class StreamDecoder {
public:
  StreamDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
      : tokenizer(std::move(tokenizer)), skipSpecialTokens(skipSpecialTokens) {}

  /// Appends the text that is certain after `id`. An id without a token gives
  /// nothing.
  void push(int32_t id, std::string &out);
  /// Appends U+FFFD when the end cuts a code point, and starts anew.
  void flush(std::string &out);
  /// Forgets what was held back.
  void reset() { heldBytes = 0; }

  /// The most bytes that `tokens` calls of push and a flush append.
  size_t capacityFor(size_t tokens) const;

private:
  void append(std::string_view bytes, std::string &out);

  Tokenizer tokenizer;
  bool skipSpecialTokens;
  std::array<char, 4> held{};
  size_t heldBytes = 0; ///< Of an incomplete code point, at most three.
};

} // namespace sluice::text
