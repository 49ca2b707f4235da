//===- tokenizer_state.h - What a tokenizer is made of ----------*- C++ -*-===//
//
// Private to runtime/text: tokenizer_json.cpp fills it, tokenizer.cpp reads it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/added_tokens.h"
#include "runtime/text/bpe.h"
#include "runtime/text/split_pattern.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::text {

struct TokenizerOptions;

struct TokenizerState {
  struct Split {
    SplitPattern pattern;
    bool keepMatches, keepGaps;
  };

  bool nfc = false;
  bool ignoreMerges = false; ///< A word that is a token is that token.
  std::vector<Split> splits; ///< Each cuts the pieces of the one before.
  Bpe bpe;
  AddedTokenFinder plainTokens;      ///< Looked for in the text as it comes.
  AddedTokenFinder normalizedTokens; ///< Looked for in normalised text.

  std::string tokenBytes;             ///< All tokens side by side.
  std::vector<uint32_t> tokenOffsets; ///< size() + 1 offsets into tokenBytes.
  std::vector<bool> special;          ///< By id.
  size_t longestToken = 0;
  /// Words that are tokens; filled only for ignoreMerges.
  std::unordered_map<std::string, int32_t> words;
  std::unordered_map<std::string, int32_t> addedIds;
};

/// Parses tokenizer.json.
Result<std::shared_ptr<const TokenizerState>>
loadTokenizer(std::string_view json, std::string_view fileName,
              const TokenizerOptions &options);

} // namespace sluice::text
