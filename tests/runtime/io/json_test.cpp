//===- json_test.cpp ------------------------------------------------------===//
#include "runtime/core/json.h"

#include "tests/runtime/io/temporary_directory.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using sluice::testing::expectLine;

std::string nested(int depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Json, ParsesWhatIsValid) {
  auto value = parseJson(
      R"({"a":[1,-2,3.5,true,null,"\u00e9\n"],"b":{"c":18446744073709551615}})",
      "t.json");
  ASSERT_TRUE(value) << value.status().message();
  EXPECT_EQ(value->dump(), "{\"a\":[1,-2,3.5,true,null,\"é\\n\"],"
                           "\"b\":{\"c\":18446744073709551615}}");
  EXPECT_TRUE(parseJson(" [] \n", "t.json"));
  EXPECT_TRUE(parseJson("7", "t.json"));
  EXPECT_TRUE(parseJson(nested(64), "t.json"));
}

struct BadJson {
  const char *name;
  std::string text;
  std::initializer_list<std::string_view> says;
};

TEST(Json, RefusesWhatIsNot) {
  const BadJson cases[] = {
      {"empty", "", {"empty file"}},
      {"cut", R"({"a": [1, 2)", {"t.json:1:", "unexpected end of input"}},
      {"trailing", "{} x", {"t.json:1:4"}},
      {"second value", "{}{}", {"t.json:1:3", "expected end of input"}},
      {"comment", "{ // no\n}", {"t.json:1:"}},
      {"trailing comma", "[1,]", {"t.json:1:4"}},
      {"line", "{\n\n  \"a\": tru\n}", {"t.json:3:"}},
      {"deep", nested(65), {"t.json:1:65", "64 levels"}},
      {"deeper", std::string(1000000, '['), {"64 levels"}},
      {"deep objects",
       [] {
         std::string text;
         for (int i = 0; i < 100; ++i)
           text += "{\"a\":";
         return text;
       }(),
       {"64 levels"}},
      {"duplicate",
       R"({"a": 1, "b": {"k": 1, "k": 2}})",
       {"t.json:1:", "'k' appears twice"}},
      {"duplicate escaped", R"({"ab": 1, "\u0061b": 2})", {"'ab'"}},
      {"bad utf-8", "\"\xC3\x28\"", {"UTF-8"}},
      {"overlong", "\"\xC0\x80\"", {"UTF-8"}},
      {"surrogate bytes", "\"\xED\xA0\x80\"", {"UTF-8"}},
      {"lone surrogate", R"("\ud800")", {"surrogate"}},
      {"control", std::string("\"a\nb\""), {"control character"}},
      {"NaN", "[NaN]", {"t.json:1:2"}},
      {"Infinity", "{\"a\": Infinity}", {"t.json:1:7"}},
      {"overflow", "1e999", {"1e999"}},
      {"number", "[01]", {"t.json:1:"}},
      {"too big", std::string(300, ' '), {"300 bytes", "at most 256"}},
  };
  for (const BadJson &bad : cases) {
    SCOPED_TRACE(bad.name);
    JsonLimits limits;
    if (std::string_view(bad.name) == "too big")
      limits.maxBytes = 256;
    auto value = parseJson(bad.text, "t.json", limits);
    ASSERT_FALSE(value);
    expectLine(value.status().message(), {"t.json"});
    expectLine(value.status().message(), bad.says);
  }
}

TEST(Json, HugeStringsDoNotFloodTheMessage) {
  auto value = parseJson("\"" + std::string(1 << 20, 'x') + "\n", "t.json");
  ASSERT_FALSE(value);
  expectLine(value.status().message(), {"t.json:1:1048578"});
}

class JsonObjectTest : public ::testing::Test {
protected:
  nlohmann::json value =
      *parseJson(R"({"i": 7, "n": -3, "f": 2.5, "b": true, "s": "text",
                     "z": null, "big": 18446744073709551615,
                     "list": [1, 2, 3], "mixed": [1, "2"],
                     "o": {"x": {"y": "why"}}})",
                 "c.json");
  JsonObject object = *JsonObject::of(value, "c.json");
};

TEST_F(JsonObjectTest, ReadsTypedMembers) {
  EXPECT_EQ(*object.integer("i"), 7);
  EXPECT_EQ(*object.integer("n"), -3);
  EXPECT_EQ(*object.number("f"), 2.5);
  EXPECT_EQ(*object.number("i"), 7.0);
  EXPECT_EQ(*object.number("big"), 18446744073709551615.0);
  EXPECT_TRUE(*object.boolean("b"));
  EXPECT_EQ(*object.string("s"), "text");
  EXPECT_EQ(*object.integers("list"), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_FALSE(object.has("z")) << "null counts as absent";
  EXPECT_EQ(*object.integerOr("z", 5), 5);
  EXPECT_EQ(*object.numberOr("none", 1.5), 1.5);
  EXPECT_FALSE(*object.booleanOr("none", false));
  EXPECT_EQ(*object.stringOr("none", "fallback"), "fallback");
}

TEST_F(JsonObjectTest, ErrorsNameFileKeyFoundAndExpected) {
  expectLine(object.integer("s").status().message(),
             {"c.json: s: found the string 'text', expected an integer"});
  expectLine(object.integer("f").status().message(), {"found 2.5"});
  expectLine(object.integer("big").status().message(),
             {"found 18446744073709551615"});
  expectLine(object.integer("i", 8, 9).status().message(),
             {"c.json: i: found 7, expected an integer from 8 to 9"});
  expectLine(object.integer("none").status().message(),
             {"c.json: none is missing, expected an integer"});
  expectLine(object.number("b").status().message(), {"found true"});
  expectLine(object.boolean("i").status().message(), {"true or false"});
  expectLine(object.string("list").status().message(),
             {"an array of 3 values, expected a string"});
  expectLine(object.integers("mixed").status().message(),
             {"c.json: mixed[1]: found the string '2'"});
  expectLine(object.integerOr("s", 1).status().message(), {"c.json: s"});
  auto inner = object.object("o");
  ASSERT_TRUE(inner);
  auto deeper = inner->object("x");
  ASSERT_TRUE(deeper);
  expectLine(deeper->integer("y").status().message(), {"c.json: o.x.y"});
  expectLine(JsonObject::of(value["list"], "c.json").status().message(),
             {"c.json: found an array of 3 values, expected an object"});
}

TEST(Json, QuotesStayOnOneLine) {
  EXPECT_EQ(inQuotes("a\nb\x1b[2J\xff|\xc2\x9b"), "'a?b?[2J?|?'");
  EXPECT_EQ(inQuotes("añ😀"), "'añ😀'");
  EXPECT_EQ(inQuotes("abcdef", 3), "'abc...'");
}

} // namespace
} // namespace sluice
