//===- limits_test.cpp - Size, speed and streaming --------------*- C++ -*-===//
#include "runtime/text/nfc.h"
#include "runtime/text/stream_decoder.h"
#include "tests/runtime/text/test_data.h"

#include <cstdlib>
#include <ctime>
#include <functional>
#include <new>
#include <random>
#include <set>

namespace {
size_t allocations = 0;
}

// Counts what StreamDecoder must not do.
void *operator new(size_t bytes) {
  ++allocations;
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace sluice::text::test {
namespace {

/// Processor time: what else the machine does is no part of it.
double secondsOf(const std::function<void()> &work) {
  std::clock_t start = std::clock();
  work();
  return double(std::clock() - start) / CLOCKS_PER_SEC;
}

// A megabyte must take far less time than a quadratic step would, which is an
// hour. Sanitizers multiply it by ten and more, so that an eighth is enough.
#ifdef SLUICE_SANITIZED
constexpr size_t kLong = 1 << 17;
#else
constexpr size_t kLong = 1 << 20;
#endif

void expectLinear(const Tokenizer &tokenizer, const std::string &unit,
                  std::string_view tail) {
  std::string text;
  while (text.size() < kLong)
    text += unit;
  text += tail;
  std::vector<int32_t> ids;
  double seconds = secondsOf([&] { ids = *tokenizer.encode(text); });
  EXPECT_EQ(tokenizer.decode(ids, false), toNfc(text)) << unit;
  EXPECT_LT(seconds, 20) << unit; // 0.1 s; sanitizers take more.
}

TEST(Limits, LongRunsTakeLinearTime) {
  Tokenizer tokenizer = openTokenizer("demo");
  for (const char *unit :
       {"a", "ab", " ", "\n", "\t ", "1", "!", "\u65e5", "\u0301",
        "\u0301\u0316", "\U0001F600", "a'", "<|im_start", "\r\n", "A thing. "})
    for (const char *tail : {"", "x"})
      expectLinear(tokenizer, unit, tail);
}

TEST(Limits, TextBeyondOneGibibyteIsRefused) {
  Tokenizer tokenizer = openTokenizer("demo");
  // Refused before the first byte is looked at, so there need not be more.
  Result<std::vector<int32_t>> ids =
      tokenizer.encode(std::string_view("a", (size_t(1) << 30) + 1));
  ASSERT_FALSE(ids.isOk());
  EXPECT_EQ(ids.status().code(), ErrorCode::InvalidArgument);
}

/// As many tokens and merges as Qwen3 has.
TEST(Limits, LargeVocabularyLoadsFast) {
  std::string vocab, merges;
  for (int byte = 0; byte < 256; ++byte) {
    char token[16];
    int character = byte < 94 ? 0x21 + byte : 0x100 + byte;
    std::snprintf(token, sizeof token, "\"\\u%04x\":%d,", character, byte);
    vocab += token;
  }
  std::vector<std::string> tokens;
  std::mt19937 random(1);
  for (char c = 'a'; c <= 'z'; ++c)
    tokens.emplace_back(1, c);
  std::string separator;
  std::set<std::string> known(tokens.begin(), tokens.end());
  for (int id = 256; id < 151643;) {
    std::string left = tokens[random() % tokens.size()],
                right = tokens[random() % 26];
    if (!known.insert(left + right).second)
      continue;
    vocab += separator + "\"" + left + right + "\":" + std::to_string(id++);
    merges += separator + "\"" + left + " " + right + "\"";
    separator = ",";
    tokens.push_back(left + right);
  }
  std::string json =
      R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{)" +
      vocab + R"(},"merges":[)" + merges + "]}}";
  double seconds = secondsOf([&] {
    Result<Tokenizer> tokenizer = Tokenizer::fromJson(json, "large.json");
    ASSERT_TRUE(tokenizer.isOk()) << tokenizer.status().message();
    EXPECT_EQ(tokenizer->size(), 151643);
  });
  RecordProperty("seconds", std::to_string(seconds));
  std::printf("151643 tokens loaded in %.2f s\n", seconds);
  EXPECT_LT(seconds,
            10); // About 0.3 s; sanitizers take more.
}

TEST(StreamDecoder, GivesTheSameTextAsDecodeWithoutAllocating) {
  for (const char *name : {"demo", "normalized"}) {
    Tokenizer tokenizer = openTokenizer(name);
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
      std::vector<int32_t> ids(1 + random() % 40);
      for (int32_t &id : ids)
        id = static_cast<int32_t>(random() %
                                  (random() % 2 ? 256 : tokenizer.size() + 2)) -
             (random() % 50 == 0);
      bool skip = random() % 2;
      std::string expected = tokenizer.decode(ids, skip);
      StreamDecoder decoder(tokenizer, skip);
      std::string out;
      out.reserve(decoder.capacityFor(ids.size()));
      size_t before = allocations;
      for (int32_t id : ids)
        decoder.push(id, out);
      decoder.flush(out);
      EXPECT_EQ(allocations, before);
      EXPECT_EQ(out, expected);
    }
  }
}

TEST(StreamDecoder, HoldsBackWhatIsNotWhole) {
  Tokenizer tokenizer = openTokenizer("demo");
  std::vector<int32_t> ids = *tokenizer.encode(
      "\U0001F680"); // No token of its own in the demo vocabulary.
  ASSERT_GT(ids.size(), 1u);
  StreamDecoder decoder(tokenizer, true);
  std::string out;
  for (size_t i = 0; i + 1 < ids.size(); ++i)
    decoder.push(ids[i], out);
  EXPECT_EQ(out, "");
  decoder.push(ids.back(), out);
  EXPECT_EQ(out, "\U0001F680");
  decoder.push(ids[0], out);
  decoder.flush(out);
  EXPECT_EQ(out, "\U0001F680\uFFFD");
  decoder.push(ids[0], out);
  decoder.reset();
  decoder.flush(out);
  EXPECT_EQ(out, "\U0001F680\uFFFD");
}

} // namespace
} // namespace sluice::text::test
