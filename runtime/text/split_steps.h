//===- split_steps.h - normalizer and pre_tokenizer -------------*- C++ -*-===//
//
// Private to runtime/text: reads the parts of tokenizer.json that come before
// the merges.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/json.h"
#include "runtime/text/tokenizer_state.h"

namespace sluice::text {

/// Whether text is brought to NFC. Knows no normaliser, NFC, and sequences of
/// it.
Result<bool> readNormalizer(const JsonObject &root);

/// The cuts of `pre_tokenizer`: any number of Split, then ByteLevel.
Result<std::vector<TokenizerState::Split>> readSplits(const JsonObject &root);

} // namespace sluice::text
