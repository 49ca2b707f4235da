//===- tokenizer_fuzz.cpp - tokenizer.json from strangers -------*- C++ -*-===//
//
// The input is a tokenizer.json, a zero byte and a text. What loads must encode
// the text to ids it can decode, or say why not, and what it decodes in one go
// must equal what it streams.
//
//===----------------------------------------------------------------------===//
#include "runtime/text/chat_template.h"
#include "runtime/text/stream_decoder.h"
#include "runtime/text/utf8.h"

#include <cstdlib>

using namespace sluice;
using namespace sluice::text;

static void require(bool condition) {
  if (!condition)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  size_t cut = input.find('\0');
  std::string_view json = input.substr(0, cut);
  std::string_view text =
      cut == std::string_view::npos ? "Ab1 \xC3" : input.substr(cut + 1);
  Result<Tokenizer> tokenizer = Tokenizer::fromJson(json, "fuzz.json");
  if (!tokenizer) {
    require(!tokenizer.status().message().empty());
    require(tokenizer.status().message().find('\n') == std::string_view::npos);
    return 0;
  }
  for (SpecialTokens specials :
       {SpecialTokens::Parse, SpecialTokens::Literal}) {
    Result<std::vector<int32_t>> ids = tokenizer->encode(text, specials);
    if (!ids)
      continue;
    std::string whole = tokenizer->decode(*ids, false);
    require(isValidUtf8(whole));
    StreamDecoder decoder(*tokenizer, false);
    std::string streamed;
    for (int32_t id : *ids) {
      require(tokenizer->isToken(id));
      decoder.push(id, streamed);
      require(isValidUtf8(streamed));
    }
    decoder.flush(streamed);
    require(streamed == whole);
  }
  return 0;
}
