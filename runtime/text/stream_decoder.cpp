//===- stream_decoder.cpp ---------------------------------------*- C++ -*-===//
#include "runtime/text/stream_decoder.h"
#include "runtime/text/utf8.h"

#include <algorithm>

namespace sluice::text {

void StreamDecoder::push(int32_t id, std::string &out) {
  if (!tokenizer.isToken(id) || (skipSpecialTokens && tokenizer.isSpecial(id)))
    return;
  append(tokenizer.bytes(id), out);
}

void StreamDecoder::append(std::string_view bytes, std::string &out) {
  // First what is held back, byte by byte, until it is whole or broken.
  while (heldBytes > 0 && !bytes.empty()) {
    held[heldBytes++] = bytes[0];
    bytes.remove_prefix(1);
    while (heldBytes > 0) {
      Utf8Step step = stepUtf8({held.data(), heldBytes});
      if (step.kind == Utf8Step::Incomplete)
        break;
      if (step.kind == Utf8Step::Valid)
        out.append(held.data(), step.bytes);
      else
        out += kReplacement;
      std::copy(held.begin() + step.bytes, held.begin() + heldBytes,
                held.begin());
      heldBytes -= step.bytes;
    }
  }
  while (!bytes.empty()) {
    Utf8Step step = stepUtf8(bytes);
    if (step.kind == Utf8Step::Incomplete) {
      std::copy(bytes.begin(), bytes.end(), held.begin());
      heldBytes = bytes.size();
      return;
    }
    out += step.kind == Utf8Step::Valid ? bytes.substr(0, step.bytes)
                                        : kReplacement;
    bytes.remove_prefix(step.bytes);
  }
}

void StreamDecoder::flush(std::string &out) {
  if (heldBytes > 0)
    out += kReplacement; // Held bytes begin one code point: one U+FFFD.
  heldBytes = 0;
}

size_t StreamDecoder::capacityFor(size_t tokens) const {
  // A byte becomes three at most, and three bytes may wait from before.
  return (tokens * tokenizer.longestToken() + held.size()) *
         kReplacement.size();
}

} // namespace sluice::text
