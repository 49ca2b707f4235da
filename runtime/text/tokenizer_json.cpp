//===- tokenizer_json.cpp - Reading tokenizer.json --------------*- C++ -*-===//
//
// What is understood is read; what would change ids and is not understood is
// refused by name.
//
//===----------------------------------------------------------------------===//
#include "runtime/core/json.h"
#include "runtime/text/byte_alphabet.h"
#include "runtime/text/nfc.h"
#include "runtime/text/split_steps.h"
#include "runtime/text/tokenizer.h"
#include "runtime/text/tokenizer_state.h"
#include "runtime/text/utf8.h"

#include <algorithm>

namespace sluice::text {
namespace {

constexpr size_t kMaxAddedToken = 512;

/// Collects the tokens of model.vocab and added_tokens, then the merges.
class Loader {
public:
  Loader(const JsonObject &root, const TokenizerOptions &options)
      : root(root), options(options) {}

  Result<std::shared_ptr<const TokenizerState>> run() {
    SLUICE_RETURN_IF_ERROR(expectByteLevel("decoder", /*mayBeAbsent=*/false));
    SLUICE_RETURN_IF_ERROR(
        expectByteLevel("post_processor", /*mayBeAbsent=*/true));
    SLUICE_ASSIGN_OR_RETURN(state->nfc, readNormalizer(root));
    SLUICE_ASSIGN_OR_RETURN(state->splits, readSplits(root));
    SLUICE_ASSIGN_OR_RETURN(JsonObject model, root.object("model"));
    SLUICE_RETURN_IF_ERROR(checkModel(model));
    SLUICE_RETURN_IF_ERROR(readVocabulary(model));
    SLUICE_RETURN_IF_ERROR(checkIds());
    SLUICE_RETURN_IF_ERROR(readAddedTokens());
    storeTokens();
    SLUICE_RETURN_IF_ERROR(readMerges(model));
    return std::shared_ptr<const TokenizerState>(std::move(state));
  }

private:
  struct Token {
    std::string_view text; ///< Into the JSON value.
    uint32_t id;
  };

  Status expectByteLevel(std::string_view key, bool mayBeAbsent) {
    if (!root.has(key) && mayBeAbsent)
      return Status::ok();
    SLUICE_ASSIGN_OR_RETURN(JsonObject part, root.object(key));
    SLUICE_ASSIGN_OR_RETURN(std::string type, part.string("type"));
    if (type != "ByteLevel")
      return part.mismatch("type", "'ByteLevel'", ErrorCode::Unsupported);
    return Status::ok();
  }

  Status checkModel(const JsonObject &model) {
    SLUICE_ASSIGN_OR_RETURN(std::string type, model.stringOr("type", "BPE"));
    if (type != "BPE")
      return model.mismatch("type", "'BPE'", ErrorCode::Unsupported);
    SLUICE_ASSIGN_OR_RETURN(double dropout, model.numberOr("dropout", 0));
    if (dropout != 0)
      return model.mismatch("dropout", "null or 0", ErrorCode::Unsupported);
    SLUICE_ASSIGN_OR_RETURN(bool byteFallback,
                            model.booleanOr("byte_fallback", false));
    if (byteFallback)
      return model.mismatch("byte_fallback", "false", ErrorCode::Unsupported);
    for (std::string_view key :
         {"continuing_subword_prefix", "end_of_word_suffix"}) {
      SLUICE_ASSIGN_OR_RETURN(std::string affix, model.stringOr(key, ""));
      if (!affix.empty())
        return model.mismatch(key, "null or an empty string",
                              ErrorCode::Unsupported);
    }
    SLUICE_ASSIGN_OR_RETURN(state->ignoreMerges,
                            model.booleanOr("ignore_merges", false));
    return Status::ok();
  }

  int64_t mostId() const {
    return (options.modelVocabulary ? int64_t(options.modelVocabulary)
                                    : int64_t(Bpe::kMaxIds)) -
           1;
  }

  Status badId(const std::string &where, const nlohmann::json &found) const {
    std::string expected = "an id from 0 to " + std::to_string(mostId());
    if (options.modelVocabulary)
      expected += " (the model has " + std::to_string(options.modelVocabulary) +
                  " tokens)";
    return Status(ErrorCode::Corrupt, where + ": found " + describeJson(found) +
                                          ", expected " + expected);
  }

  Status readVocabulary(const JsonObject &model) {
    SLUICE_ASSIGN_OR_RETURN(JsonObject vocabulary, model.object("vocab"));
    size_t count = vocabulary.value().size();
    tokens.reserve(count);
    ids.reserve(count * 2);
    for (const auto &[text, id] : vocabulary.value().items()) {
      const auto *number =
          id.get_ptr<const nlohmann::json::number_unsigned_t *>();
      if (!number || int64_t(std::min<uint64_t>(*number, INT64_MAX)) > mostId())
        return badId(
            root.fileName() + ": model.vocab[" + inQuotes(text, 60) + "]", id);
      tokens.push_back({text, static_cast<uint32_t>(*number)});
      ids.emplace(text, static_cast<uint32_t>(*number));
    }
    // A byte without a token would vanish from the text, or be an unknown
    // token.
    if (model.has("unk_token"))
      for (int byte = 0; byte < 256; ++byte)
        if (idOfByte(static_cast<uint8_t>(byte)) == Bpe::kNone)
          return model.mismatch(
              "unk_token", "null, or a vocabulary with a token for each byte",
              ErrorCode::Unsupported);
    return Status::ok();
  }

  uint32_t idOfByte(uint8_t byte) const {
    std::string text;
    appendPoint(text, characterOfByte(byte));
    auto found = ids.find(text);
    return found == ids.end() ? Bpe::kNone : found->second;
  }

  Status readAddedTokens() {
    const nlohmann::json *list = root.find("added_tokens");
    if (!list)
      return Status::ok();
    if (!list->is_array())
      return root.mismatch("added_tokens", "an array");
    std::vector<AddedToken> all;
    for (size_t i = 0; i < list->size(); ++i) {
      std::string path = "added_tokens[" + std::to_string(i) + "]";
      SLUICE_ASSIGN_OR_RETURN(
          JsonObject entry, JsonObject::of((*list)[i], root.fileName(), path));
      SLUICE_ASSIGN_OR_RETURN(AddedToken token, readAddedToken(entry));
      SLUICE_RETURN_IF_ERROR(registerAdded(entry, token));
      if (token.normalized && state->nfc)
        token.content = toNfc(token.content);
      all.push_back(std::move(token));
    }
    // Hugging Face looks for the special ones first; of equals the first
    // counts.
    std::vector<AddedToken> plain, normalized;
    for (bool special : {true, false})
      for (const AddedToken &token : all) {
        if (token.special != special)
          continue;
        addedTexts.emplace(token.id, token.content);
        (token.normalized ? normalized : plain).push_back(token);
      }
    state->plainTokens = AddedTokenFinder(std::move(plain));
    state->normalizedTokens = AddedTokenFinder(std::move(normalized));
    return Status::ok();
  }

  Result<AddedToken> readAddedToken(const JsonObject &entry) {
    AddedToken token;
    SLUICE_ASSIGN_OR_RETURN(token.content, entry.string("content"));
    if (token.content.empty() || token.content.size() > kMaxAddedToken)
      return entry.mismatch(
          "content", "1 to " + std::to_string(kMaxAddedToken) + " bytes");
    const nlohmann::json *id = entry.find("id");
    if (!id)
      return entry.mismatch("id", "an id");
    const auto *number =
        id->get_ptr<const nlohmann::json::number_unsigned_t *>();
    if (!number || int64_t(std::min<uint64_t>(*number, INT64_MAX)) > mostId())
      return badId(entry.where("id"), *id);
    token.id = static_cast<uint32_t>(*number);
    SLUICE_ASSIGN_OR_RETURN(token.special, entry.booleanOr("special", false));
    SLUICE_ASSIGN_OR_RETURN(token.normalized,
                            entry.booleanOr("normalized", !token.special));
    SLUICE_ASSIGN_OR_RETURN(token.singleWord,
                            entry.booleanOr("single_word", false));
    SLUICE_ASSIGN_OR_RETURN(token.lstrip, entry.booleanOr("lstrip", false));
    SLUICE_ASSIGN_OR_RETURN(token.rstrip, entry.booleanOr("rstrip", false));
    return token;
  }

  /// An added token may stand in the vocabulary too, then with the same id.
  /// Otherwise it has the next free one: Hugging Face numbers them in the order
  /// of the list, whatever the file says, so that other ids would be ambiguous.
  Status registerAdded(const JsonObject &entry, const AddedToken &token) {
    if (!state->addedIds.emplace(token.content, static_cast<int32_t>(token.id))
             .second)
      return entry.mismatch("content", "each added token once");
    auto known = ids.find(token.content);
    bool isNew = known == ids.end();
    uint32_t expected = isNew ? nextId : known->second;
    if (token.id != expected)
      return entry.mismatch(
          "id", std::to_string(expected) +
                    (isNew ? ", the next free id" : ", the id in model.vocab"));
    nextId += isNew;
    if (token.special)
      specialIds.push_back(token.id);
    return Status::ok();
  }

  /// Ids of the vocabulary must be 0 to n - 1, each once.
  Status checkIds() {
    if (tokens.empty())
      return root.mismatch("model.vocab", "at least one token");
    byId.assign(tokens.size(), nullptr);
    for (const Token &token : tokens) {
      std::string where =
          root.fileName() + ": the id of token " + inQuotes(token.text, 60);
      if (token.id >= tokens.size())
        return Status(ErrorCode::Corrupt,
                      where + ": found " + std::to_string(token.id) +
                          ", expected ids without a gap (0 to " +
                          std::to_string(tokens.size() - 1) + ")");
      if (byId[token.id])
        return Status(ErrorCode::Corrupt,
                      where + ": found " + std::to_string(token.id) +
                          ", expected another id than that of " +
                          inQuotes(byId[token.id]->text, 60));
      byId[token.id] = &token;
    }
    nextId = static_cast<uint32_t>(tokens.size());
    return Status::ok();
  }

  void storeTokens() {
    state->tokenOffsets.push_back(0);
    state->special.assign(nextId, false);
    for (uint32_t id : specialIds)
      state->special[id] = true;
    tokenLengths.assign(nextId, 1);
    std::string bytes;
    for (uint32_t id = 0; id < nextId; ++id) {
      bool inVocabulary = id < byId.size();
      auto added = addedTexts.find(id);
      std::string_view text =
          added != addedTexts.end() ? added->second : byId[id]->text;
      // A text outside of the alphabet of bytes stands for itself; no merge
      // leads to it.
      bool isBytes = bytesOfToken(text, bytes);
      state->tokenBytes += isBytes ? std::string_view(bytes) : text;
      state->tokenOffsets.push_back(
          static_cast<uint32_t>(state->tokenBytes.size()));
      state->longestToken =
          std::max<size_t>(state->longestToken,
                           state->tokenBytes.size() - state->tokenOffsets[id]);
      if (!inVocabulary || !bytesOfToken(byId[id]->text, bytes) ||
          bytes.empty())
        continue;
      tokenLengths[id] = static_cast<uint32_t>(bytes.size());
      if (state->ignoreMerges)
        state->words.emplace(bytes, static_cast<int32_t>(id));
    }
  }

  Status readMerges(const JsonObject &model) {
    const nlohmann::json *list = model.find("merges");
    if (!list || !list->is_array())
      return model.mismatch("merges", "an array of 'a b' or [\"a\", \"b\"]");
    std::array<uint32_t, 256> byteIds;
    for (int byte = 0; byte < 256; ++byte)
      byteIds[byte] = idOfByte(static_cast<uint8_t>(byte));
    state->bpe = Bpe(std::move(tokenLengths), byteIds, list->size());
    std::string joined;
    for (size_t i = 0; i < list->size(); ++i) {
      std::string_view left, right;
      const nlohmann::json &entry = (*list)[i];
      const auto *line = entry.get_ptr<const std::string *>();
      if (line && line->starts_with("#version"))
        continue; // A header of old merges.txt files, as Hugging Face skips it.
      if (!readMerge(entry, left, right))
        return Status(ErrorCode::Corrupt,
                      mergeAt(model, i) + ": found " + describeJson(entry) +
                          ", expected 'a b' or [\"a\", \"b\"]");
      joined.assign(left).append(right);
      uint32_t id[3];
      std::string_view parts[3] = {left, right, joined};
      for (int part = 0; part < 3; ++part) {
        auto found = ids.find(parts[part]);
        if (found == ids.end())
          return Status(ErrorCode::Corrupt,
                        mergeAt(model, i) + ": found " +
                            inQuotes(parts[part], 60) +
                            ", expected a token of model.vocab");
        id[part] = found->second;
      }
      state->bpe.addMerge(id[0], id[1], static_cast<uint32_t>(i), id[2]);
    }
    return Status::ok();
  }

  static std::string mergeAt(const JsonObject &model, size_t i) {
    return model.where("merges") + "[" + std::to_string(i) + "]";
  }

  static bool readMerge(const nlohmann::json &entry, std::string_view &left,
                        std::string_view &right) {
    if (const auto *line = entry.get_ptr<const std::string *>()) {
      size_t space = line->find(' ');
      if (space == std::string::npos ||
          line->find(' ', space + 1) != std::string::npos)
        return false;
      left = std::string_view(*line).substr(0, space);
      right = std::string_view(*line).substr(space + 1);
    } else {
      if (!entry.is_array() || entry.size() != 2)
        return false;
      const auto *first = entry[0].get_ptr<const std::string *>();
      const auto *second = entry[1].get_ptr<const std::string *>();
      if (!first || !second)
        return false;
      left = *first;
      right = *second;
    }
    return !left.empty() && !right.empty();
  }

  const JsonObject &root;
  const TokenizerOptions &options;
  std::shared_ptr<TokenizerState> state = std::make_shared<TokenizerState>();
  std::vector<Token> tokens;
  std::unordered_map<std::string_view, uint32_t> ids; ///< Of model.vocab.
  uint32_t nextId = 0; ///< Tokens so far, of the vocabulary and added.
  std::vector<const Token *> byId;                      ///< Of model.vocab.
  std::unordered_map<uint32_t, std::string> addedTexts; ///< By id, normalised.
  std::vector<uint32_t> specialIds, tokenLengths;
};

} // namespace

Result<std::shared_ptr<const TokenizerState>>
loadTokenizer(std::string_view json, std::string_view fileName,
              const TokenizerOptions &options) {
  SLUICE_ASSIGN_OR_RETURN(nlohmann::json value, parseJson(json, fileName));
  SLUICE_ASSIGN_OR_RETURN(JsonObject root,
                          JsonObject::of(value, std::string(fileName)));
  return Loader(root, options).run();
}

} // namespace sluice::text
