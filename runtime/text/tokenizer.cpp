//===- tokenizer.cpp --------------------------------------------*- C++ -*-===//
#include "runtime/text/tokenizer.h"
#include "runtime/io/file.h"
#include "runtime/text/nfc.h"
#include "runtime/text/stream_decoder.h"
#include "runtime/text/tokenizer_state.h"
#include "runtime/text/utf8.h"

#include <algorithm>

namespace sluice::text {
namespace {

constexpr size_t kMaxText = size_t(1) << 30;

/// One call of encode: the stages a text passes, with their working memory.
class Encoding {
public:
  Encoding(const TokenizerState &state, std::vector<int32_t> &ids)
      : state(state), ids(ids) {}

  Status run(std::string_view text, const std::vector<SpecialRange> &specials) {
    std::vector<AddedTokenFinder::Piece> pieces, normalPieces;
    state.plainTokens.cut(text, specials, pieces);
    // Special tokens that are looked for in normalised text cannot be told
    // apart by their place any more: all count, or none.
    bool everywhere = specials.size() == 1 && specials[0].begin == 0 &&
                      specials[0].end == text.size();
    for (const AddedTokenFinder::Piece &piece : pieces) {
      if (piece.id != piece.kText) {
        ids.push_back(piece.id);
        continue;
      }
      std::string normal;
      std::string_view view = piece.text;
      if (state.nfc)
        view = normal = toNfc(piece.text);
      normalPieces.clear();
      std::vector<SpecialRange> normalSpecials;
      if (everywhere)
        normalSpecials.push_back({0, view.size()});
      state.normalizedTokens.cut(view, normalSpecials, normalPieces);
      for (const AddedTokenFinder::Piece &part : normalPieces) {
        if (part.id == part.kText)
          SLUICE_RETURN_IF_ERROR(splitFrom(0, part.text));
        else
          ids.push_back(part.id);
      }
    }
    return Status::ok();
  }

private:
  Status splitFrom(size_t step, std::string_view text) {
    if (step == state.splits.size()) {
      word(text);
      return Status::ok();
    }
    const TokenizerState::Split &split = state.splits[step];
    return split.pattern.split(
        text, split.keepMatches, split.keepGaps, scratch,
        [&](std::string_view piece) { return splitFrom(step + 1, piece); });
  }

  void word(std::string_view text) {
    if (state.ignoreMerges) {
      if (auto token = state.words.find(std::string(text));
          token != state.words.end()) {
        ids.push_back(token->second);
        return;
      }
    }
    state.bpe.encodeWord(text, bpeScratch, ids);
  }

  const TokenizerState &state;
  std::vector<int32_t> &ids;
  SplitPattern::Scratch scratch;
  Bpe::Scratch bpeScratch;
};

Status tooLong() {
  return Status(ErrorCode::InvalidArgument,
                "text to encode: found more than " + std::to_string(kMaxText) +
                    " bytes, expected at most as many");
}

Result<std::vector<int32_t>>
encodeValid(const TokenizerState &state, std::string_view text,
            const std::vector<SpecialRange> &specials) {
  std::vector<int32_t> ids;
  SLUICE_RETURN_IF_ERROR(Encoding(state, ids).run(text, specials));
  return ids;
}

} // namespace

Result<Tokenizer> Tokenizer::fromJson(std::string_view json,
                                      std::string_view fileName,
                                      const TokenizerOptions &options) {
  SLUICE_ASSIGN_OR_RETURN(std::shared_ptr<const TokenizerState> state,
                          loadTokenizer(json, fileName, options));
  return Tokenizer(std::move(state));
}

Result<Tokenizer> Tokenizer::open(const std::string &path,
                                  const TokenizerOptions &options) {
  SLUICE_ASSIGN_OR_RETURN(std::string json, readTextFile(path));
  return fromJson(json, path, options);
}

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text,
                                               SpecialTokens specials) const {
  if (text.size() > kMaxText)
    return tooLong();
  std::string repaired;
  if (!isValidUtf8(text))
    text = repaired = toValidUtf8(text);
  std::vector<SpecialRange> ranges;
  if (specials == SpecialTokens::Parse)
    ranges.push_back({0, text.size()});
  return encodeValid(*state, text, ranges);
}

Result<std::vector<int32_t>>
Tokenizer::encode(std::span<const TextPiece> pieces) const {
  std::string text;
  std::vector<SpecialRange> ranges;
  for (const TextPiece &piece : pieces) {
    if (piece.text.size() > kMaxText - std::min(text.size(), kMaxText))
      return tooLong();
    size_t begin = text.size();
    text += isValidUtf8(piece.text) ? piece.text : toValidUtf8(piece.text);
    if (piece.specials == SpecialTokens::Parse && text.size() > begin)
      ranges.push_back({begin, text.size()});
  }
  return encodeValid(*state, text, ranges);
}

std::string Tokenizer::decode(std::span<const int32_t> ids,
                              bool skipSpecialTokens) const {
  std::string out;
  StreamDecoder decoder(*this, skipSpecialTokens);
  for (int32_t id : ids)
    decoder.push(id, out);
  decoder.flush(out);
  return out;
}

int32_t Tokenizer::size() const {
  return static_cast<int32_t>(state->tokenOffsets.size() - 1);
}

std::string_view Tokenizer::bytes(int32_t id) const {
  uint32_t begin = state->tokenOffsets[id], end = state->tokenOffsets[id + 1];
  return std::string_view(state->tokenBytes).substr(begin, end - begin);
}

bool Tokenizer::isSpecial(int32_t id) const { return state->special[id]; }

size_t Tokenizer::longestToken() const { return state->longestToken; }

std::optional<int32_t> Tokenizer::addedToken(std::string_view content) const {
  auto found = state->addedIds.find(std::string(content));
  if (found == state->addedIds.end())
    return std::nullopt;
  return found->second;
}

} // namespace sluice::text
