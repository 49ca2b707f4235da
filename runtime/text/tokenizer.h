//===- tokenizer.h - Text to token ids and back -----------------*- C++ -*-===//
//
// Reads Hugging Face's tokenizer.json for byte-level BPE and gives the same ids
// as their library, `tokenizers`. What the file asks for beyond that is refused
// by name. README.md lists what is understood.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::text {

struct TokenizerState;

struct TokenizerOptions {
  /// The rows of the model's embedding: an id that is not below it is an error
  /// of the file. 0: not known.
  uint32_t modelVocabulary = 0;
};

/// What special tokens (`<|im_start|>`) written in a text are.
enum class SpecialTokens {
  Parse,   ///< Tokens, as Hugging Face's encode() does.
  Literal, ///< Plain text, as with its `split_special_tokens`: for text from
           ///< strangers, who must not be able to end a turn. Added tokens that
           ///< are not special (`<think>`) stay tokens.
};

/// A part of a text whose parts come from different hands.
struct TextPiece {
  std::string text;
  SpecialTokens specials = SpecialTokens::Literal;
};

/// An immutable tokenizer. Copies share it; threads may use it side by side.
class Tokenizer {
public:
  /// `json` is the text of tokenizer.json; `fileName` stands in errors.
  static Result<Tokenizer> fromJson(std::string_view json,
                                    std::string_view fileName,
                                    const TokenizerOptions &options = {});
  static Result<Tokenizer> open(const std::string &path,
                                const TokenizerOptions &options = {});

  /// The ids of `text`, which may be broken UTF-8: broken parts become U+FFFD.
  /// No token is put before or behind. Fails on texts of more than 1 GiB and
  /// when the file's split pattern backtracks without end.
  Result<std::vector<int32_t>>
  encode(std::string_view text,
         SpecialTokens specials = SpecialTokens::Parse) const;
  /// The ids of all pieces side by side. Cuts between pieces leave no trace,
  /// except that a special token counts only when it lies whole in a piece
  /// that asks to parse them.
  Result<std::vector<int32_t>> encode(std::span<const TextPiece> pieces) const;

  /// The text of `ids` with U+FFFD for what is no UTF-8. Ids that no token has
  /// are skipped, as Hugging Face does. StreamDecoder does the same id by id.
  std::string decode(std::span<const int32_t> ids,
                     bool skipSpecialTokens) const;

  /// Ids are 0 to size() - 1, each with a token.
  int32_t size() const;
  bool isToken(int32_t id) const { return id >= 0 && id < size(); }
  /// The bytes of a token. Only for ids below size().
  std::string_view bytes(int32_t id) const;
  bool isSpecial(int32_t id) const;
  /// The bytes of the longest token.
  size_t longestToken() const;
  /// The id of an added token by its content.
  std::optional<int32_t> addedToken(std::string_view content) const;

private:
  explicit Tokenizer(std::shared_ptr<const TokenizerState> state)
      : state(std::move(state)) {}

  std::shared_ptr<const TokenizerState> state;
};

} // namespace sluice::text
