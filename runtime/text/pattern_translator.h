//===- pattern_translator.h - From Oniguruma to PCRE2 -----------*- C++ -*-===//
//
// tokenizer.json carries regular expressions for Oniguruma with Ruby's syntax.
// PCRE2 reads many of them differently without a word: `[a&&b]`, `{,3}`, `\v`,
// `^`, what `\s` is, newer letters. So a pattern is parsed here, and what is
// known to mean the same, or can be written so, is written anew for PCRE2.
// Anything else is refused by name.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <string>
#include <string_view>

namespace sluice::text {

/// A PCRE2 pattern (UTF and UCP) that matches what `pattern` matches in Hugging
/// Face tokenizers. `where` names file and key in errors. Knows alternatives,
/// groups `(?:`, `(?i:`, `(`, lookahead, the usual repetitions, `\s \S \d
/// \p{..}
/// \P{..}` and classes without nesting.
Result<std::string> translatePattern(std::string_view pattern,
                                     std::string_view where);

/// A pattern that matches `text` and nothing else.
std::string escapeLiteral(std::string_view text);

} // namespace sluice::text
