//===- bad_tokenizer_test.cpp - Files that must be refused ------*- C++ -*-===//
//
// Each case is the small good file with one thing changed; loading it must end
// in one line that names the file and the key.
//
//===----------------------------------------------------------------------===//
#include "tests/runtime/text/test_data.h"

#include <functional>
#include <gmock/gmock.h>

namespace sluice::text::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json good() {
  return json::parse(R"json({
    "version": "1.0",
    "added_tokens": [
      {"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
      {"id": 5, "content": "<t>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}],
    "normalizer": {"type": "NFC"},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "\\p{L}+|\\s+"}, "behavior": "Isolated", "invert": false},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
    "post_processor": {"type": "ByteLevel"},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "aba": 3}, "merges": ["a b", ["ab", "a"]]}})json");
}

struct Bad {
  const char *name;
  std::function<void(json &)> change;
  const char *where;    ///< Stands in the message.
  const char *expected; ///< So does this.
};

json &splitOf(json &file) { return file["pre_tokenizer"]["pretokenizers"][0]; }
std::function<void(json &)> regex(const char *pattern) {
  return [pattern](json &file) { splitOf(file)["pattern"]["Regex"] = pattern; };
}
std::function<void(json &)> vocab(const char *token, json id) {
  return [token, id](json &file) { file["model"]["vocab"][token] = id; };
}
std::function<void(json &)> merge(json entry) {
  return [entry](json &file) { file["model"]["merges"].push_back(entry); };
}

const Bad kBad[] = {
    {"root an array", [](json &f) { f = json::array(); }, "", "object"},
    {"model missing", [](json &f) { f.erase("model"); }, "model", "missing"},
    {"model a string", [](json &f) { f["model"] = "BPE"; }, "model", "object"},
    {"model type WordPiece", [](json &f) { f["model"]["type"] = "WordPiece"; },
     "model.type", "'BPE'"},
    {"model type a number", [](json &f) { f["model"]["type"] = 3; },
     "model.type", "string"},
    {"vocab missing", [](json &f) { f["model"].erase("vocab"); }, "model.vocab",
     "missing"},
    {"vocab an array",
     [](json &f) { f["model"]["vocab"] = json::array({"a"}); }, "model.vocab",
     "object"},
    {"vocab empty", [](json &f) { f["model"]["vocab"] = json::object(); },
     "model.vocab", "at least one"},
    {"id negative", vocab("c", -1), "model.vocab['c']", "found -1"},
    {"id a float", vocab("c", 1.5), "model.vocab['c']", "found 1.5"},
    {"id a string", vocab("c", "4"), "model.vocab['c']", "an id"},
    {"id huge", vocab("c", UINT64_MAX), "model.vocab['c']", "an id"},
    {"id beyond 30 bits", vocab("c", 1u << 30), "model.vocab['c']", "an id"},
    {"id twice", vocab("c", 3), "'c'", "another id"},
    {"id gap", vocab("c", 9), "'c'", "without a gap"},
    {"merges missing", [](json &f) { f["model"].erase("merges"); },
     "model.merges", "array"},
    {"merges an object", [](json &f) { f["model"]["merges"] = json::object(); },
     "model.merges", "array"},
    {"merge of an unknown token", merge("a z"), "model.merges[2]", "'z'"},
    {"merge into an unknown token", merge("b b"), "model.merges[2]", "'bb'"},
    {"merge of one", merge("ab"), "model.merges[2]", "'a b'"},
    {"merge of three", merge("a b a"), "model.merges[2]", "'a b'"},
    {"merge of nothing", merge(" a"), "model.merges[2]", "'a b'"},
    {"merge a number", merge(7), "model.merges[2]", "'a b'"},
    {"merge pair of numbers", merge(json::array({0, 1})), "model.merges[2]",
     "'a b'"},
    {"merge triple", merge(json::array({"a", "b", "a"})), "model.merges[2]",
     "'a b'"},
    {"dropout", [](json &f) { f["model"]["dropout"] = 0.1; }, "model.dropout",
     "null or 0"},
    {"byte_fallback", [](json &f) { f["model"]["byte_fallback"] = true; },
     "model.byte_fallback", "false"},
    {"prefix", [](json &f) { f["model"]["continuing_subword_prefix"] = "##"; },
     "model.continuing_subword_prefix", "empty"},
    {"suffix", [](json &f) { f["model"]["end_of_word_suffix"] = "</w>"; },
     "model.end_of_word_suffix", "empty"},
    {"unknown token", [](json &f) { f["model"]["unk_token"] = "<s>"; },
     "model.unk_token", "each byte"},
    {"ignore_merges a string",
     [](json &f) { f["model"]["ignore_merges"] = "yes"; },
     "model.ignore_merges", "yes"},
    {"added_tokens an object",
     [](json &f) { f["added_tokens"] = json::object(); }, "added_tokens",
     "array"},
    {"added token a string", [](json &f) { f["added_tokens"][0] = "<s>"; },
     "added_tokens[0]", "object"},
    {"added content missing",
     [](json &f) { f["added_tokens"][0].erase("content"); },
     "added_tokens[0].content", "missing"},
    {"added content empty",
     [](json &f) { f["added_tokens"][0]["content"] = ""; },
     "added_tokens[0].content", "1 to 512"},
    {"added content long",
     [](json &f) { f["added_tokens"][0]["content"] = std::string(600, 'x'); },
     "added_tokens[0].content", "1 to 512"},
    {"added id missing", [](json &f) { f["added_tokens"][0].erase("id"); },
     "added_tokens[0].id", "id"},
    {"added id a string", [](json &f) { f["added_tokens"][0]["id"] = "4"; },
     "added_tokens[0].id", "an id"},
    {"added id gap", [](json &f) { f["added_tokens"][1]["id"] = 6; },
     "added_tokens[1].id", "5"},
    {"added id of the vocabulary",
     [](json &f) { f["added_tokens"][0]["id"] = 0; }, "added_tokens[0].id",
     "4"},
    {"added token of the vocabulary, other id",
     [](json &f) { f["added_tokens"][0]["content"] = "ab"; },
     "added_tokens[0].id", "2, the id in model.vocab"},
    {"added token twice",
     [](json &f) { f["added_tokens"][1]["content"] = "<s>"; },
     "added_tokens[1].content", "once"},
    {"added flag a number", [](json &f) { f["added_tokens"][0]["lstrip"] = 1; },
     "added_tokens[0].lstrip", "1"},
    {"normalizer Lowercase",
     [](json &f) { f["normalizer"]["type"] = "Lowercase"; }, "normalizer.type",
     "'NFC'"},
    {"normalizer list with Strip",
     [](json &f) {
       f["normalizer"] = {
           {"type", "Sequence"},
           {"normalizers", {{{"type", "NFC"}}, {{"type", "Strip"}}}}};
     },
     "normalizer.normalizers[1].type", "'NFC'"},
    {"normalizer list missing",
     [](json &f) { f["normalizer"] = {{"type", "Sequence"}}; },
     "normalizer.normalizers", "array"},
    {"pre_tokenizer null", [](json &f) { f["pre_tokenizer"] = nullptr; },
     "pre_tokenizer", "missing"},
    {"pre_tokenizer Whitespace",
     [](json &f) { f["pre_tokenizer"] = {{"type", "Whitespace"}}; },
     "pre_tokenizer.type", "'ByteLevel'"},
    {"Digits in the list", [](json &f) { splitOf(f)["type"] = "Digits"; },
     "pre_tokenizer.pretokenizers[0].type", "Digits"},
    {"no ByteLevel",
     [](json &f) { f["pre_tokenizer"]["pretokenizers"].erase(1); },
     "pre_tokenizer.pretokenizers", "ByteLevel"},
    {"ByteLevel first",
     [](json &f) {
       std::swap(splitOf(f), f["pre_tokenizer"]["pretokenizers"][1]);
     },
     "pretokenizers[0].type", "at the end"},
    {"prefix space",
     [](json &f) {
       f["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true;
     },
     "add_prefix_space", "false"},
    {"split behavior",
     [](json &f) { splitOf(f)["behavior"] = "MergedWithNext"; },
     "pretokenizers[0].behavior", "'Isolated'"},
    {"split pattern missing", [](json &f) { splitOf(f).erase("pattern"); },
     "pretokenizers[0].pattern", "missing"},
    {"split at nothing",
     [](json &f) { splitOf(f)["pattern"] = {{"String", ""}}; },
     "pattern.String", "empty"},
    {"regex empty", regex(""), "pattern.Regex", "1 to"},
    {"regex open group", regex("(a"), "pattern.Regex", "')'"},
    {"regex closed group", regex("a)"), "pattern.Regex", "balanced"},
    {"regex open class", regex("[a"), "pattern.Regex", "']'"},
    {"regex nothing to repeat", regex("*a"), "pattern.Regex", "'*'"},
    {"regex matches nothing", regex("a*"), "pattern.Regex", "empty string"},
    {"regex intersection", regex("[\\p{L}&&a]"), "pattern.Regex", "'&&'"},
    {"regex nested class", regex("[a[bc]]"), "pattern.Regex", "'['"},
    {"regex POSIX class", regex("[[:alpha:]]+"), "pattern.Regex", "'['"},
    {"regex negation in a class", regex("[\\S\\n]"), "pattern.Regex",
     "negated"},
    {"regex lookbehind", regex("(?<=a)b"), "pattern.Regex", "(?<"},
    {"regex atomic group", regex("(?>a)b"), "pattern.Regex", "(?>"},
    {"regex back reference", regex("(a)\\1"), "pattern.Regex", "\\1"},
    {"regex word boundary", regex("\\ba"), "pattern.Regex", "\\b"},
    {"regex anchor", regex("^a"), "pattern.Regex", "'^'"},
    {"regex verb", regex("(*LIMIT_MATCH=1)a"), "pattern.Regex", "(*L"},
    {"regex unknown property", regex("\\p{Klingon}"), "pattern.Regex",
     "'Klingon'"},
    {"regex open property", regex("\\p{L"), "pattern.Regex", "'}'"},
    {"regex other repetition", regex("a{,3}b"), "pattern.Regex", "{m}"},
    {"regex huge repetition", regex("(?:\\p{L}{9999}){9999}"), "pattern.Regex",
     "PCRE2"},
    {"regex folded pair", regex("(?i:ss)"), "pattern.Regex", "'ss'"},
    {"regex backward range", regex("[z-a]"), "pattern.Regex", "backwards"},
    {"decoder null", [](json &f) { f["decoder"] = nullptr; }, "decoder",
     "missing"},
    {"decoder WordPiece", [](json &f) { f["decoder"]["type"] = "WordPiece"; },
     "decoder.type", "'ByteLevel'"},
    {"post_processor template",
     [](json &f) { f["post_processor"] = {{"type", "TemplateProcessing"}}; },
     "post_processor.type", "'ByteLevel'"},
};

void expectRefused(std::string_view text, std::string_view where,
                   std::string_view expected,
                   const TokenizerOptions &options = {}) {
  Result<Tokenizer> tokenizer =
      Tokenizer::fromJson(text, "bad/tokenizer.json", options);
  ASSERT_FALSE(tokenizer.isOk());
  std::string message(tokenizer.status().message());
  EXPECT_THAT(message, testing::StartsWith("bad/tokenizer.json"));
  EXPECT_THAT(message, HasSubstr(std::string(where)));
  EXPECT_THAT(message, HasSubstr(std::string(expected)));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  EXPECT_LT(message.size(), 500u);
}

TEST(BadTokenizer, GoodOneLoads) {
  Result<Tokenizer> tokenizer = Tokenizer::fromJson(good().dump(), "good");
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
  EXPECT_EQ(*tokenizer->encode("aba b<s>"), (std::vector<int32_t>{3, 1, 4}));
}

TEST(BadTokenizer, IsRefusedByFileAndKey) {
  for (const Bad &bad : kBad) {
    SCOPED_TRACE(bad.name);
    json file = good();
    bad.change(file);
    expectRefused(file.dump(), bad.where, bad.expected);
  }
}

TEST(BadTokenizer, TextThatIsNoJson) {
  std::string text = good().dump();
  expectRefused("", "", "");
  expectRefused("not JSON", "", "");
  expectRefused(text.substr(0, text.size() / 2), "", "");
  expectRefused(text + "x", "", "");
  expectRefused("\xFF\xFE" + text, "", "");
  expectRefused(std::string(100000, '[') + std::string(100000, ']'), "", "");
  std::string twice = text;
  twice.replace(twice.find("\"ab\":2"), 6, "\"ab\":2,\"ab\":2");
  expectRefused(twice, "ab", "");
  std::string broken = text;
  broken.replace(broken.find("\"aba\""), 5, "\"\xC3\"");
  expectRefused(broken, "", "");
}

TEST(BadTokenizer, IdsBeyondTheModel) {
  EXPECT_TRUE(Tokenizer::fromJson(good().dump(), "good", {6}).isOk());
  expectRefused(good().dump(), "added_tokens[1].id", "the model has 5 tokens",
                {5});
  expectRefused(good().dump(), "model.vocab", "the model has 3 tokens", {3});
}

TEST(BadTokenizer, CatastrophicPatternEndsInAnError) {
  json file = good();
  splitOf(file)["pattern"]["Regex"] = "(?:a|aa)+(?:b|c)";
  Result<Tokenizer> tokenizer = Tokenizer::fromJson(file.dump(), "slow.json");
  ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
  Result<std::vector<int32_t>> ids = tokenizer->encode(std::string(5000, 'a'));
  ASSERT_FALSE(ids.isOk());
  EXPECT_THAT(
      std::string(ids.status().message()),
      HasSubstr("slow.json: pre_tokenizer.pretokenizers[0].pattern.Regex"));
}

TEST(BadTokenizer, MissingFile) {
  Result<Tokenizer> tokenizer = Tokenizer::open("/nonexistent/tokenizer.json");
  ASSERT_FALSE(tokenizer.isOk());
  EXPECT_THAT(std::string(tokenizer.status().message()),
              HasSubstr("/nonexistent/tokenizer.json"));
}

} // namespace
} // namespace sluice::text::test
