//===- pattern_translator.cpp -----------------------------------*- C++ -*-===//
#include "runtime/text/pattern_translator.h"
#include "runtime/core/json.h"
#include "runtime/text/unicode_tables.h"
#include "runtime/text/utf8.h"

#include <cstdio>

namespace sluice::text {
namespace {

constexpr size_t kMaxPattern = 16384;
constexpr int kMaxDepth = 32;

std::string hex(uint32_t point) {
  char text[16];
  std::snprintf(text, sizeof text, "\\x{%X}", point);
  return text;
}

/// The inside of a class for the ranges of a table.
std::string inClass(std::span<const CodePointRange> ranges) {
  std::string text;
  for (const CodePointRange &range : ranges) {
    text += hex(range.first);
    if (range.last != range.first)
      text += "-" + hex(range.last);
  }
  return text;
}

bool isAlphanumeric(uint32_t point) {
  return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
         (point >= 'A' && point <= 'Z');
}

/// A recursive descent over the pattern that writes the translation.
class Translator {
public:
  Translator(std::string_view pattern, std::string_view where)
      : rest(pattern), all(pattern), where(where) {}

  Result<std::string> run() {
    if (all.empty() || all.size() > kMaxPattern)
      return refuse("a pattern of " + std::to_string(all.size()) + " bytes",
                    "1 to " + std::to_string(kMaxPattern) + " bytes");
    SLUICE_RETURN_IF_ERROR(alternatives(0));
    if (!rest.empty())
      return refuse("')' without '('", "balanced parentheses");
    return std::move(out);
  }

private:
  Status refuse(std::string_view found, std::string_view expected) const {
    std::string message(where);
    message += ": found ";
    message += found;
    message +=
        " at byte " + std::to_string(all.size() - rest.size()) + ", expected ";
    message += expected;
    return Status(ErrorCode::Unsupported, message);
  }
  bool ahead(std::string_view text) const {
    return rest.substr(0, text.size()) == text;
  }
  bool take(std::string_view text) {
    if (!ahead(text))
      return false;
    rest.remove_prefix(text.size());
    return true;
  }
  uint32_t takePoint() {
    Utf8Step step = stepUtf8(rest);
    rest.remove_prefix(step.bytes);
    return step.point;
  }

  Status alternatives(int depth) {
    if (depth > kMaxDepth)
      return refuse("groups nested deeper than " + std::to_string(kMaxDepth),
                    "fewer");
    while (!rest.empty() && !ahead(")")) {
      if (take("|")) {
        out += '|';
        folded.clear();
        continue;
      }
      bool repeatable = true;
      SLUICE_RETURN_IF_ERROR(atom(depth, repeatable));
      SLUICE_RETURN_IF_ERROR(repetition(repeatable));
    }
    return Status::ok();
  }

  Status atom(int depth, bool &repeatable) {
    if (ahead("("))
      return group(depth, repeatable);
    if (ahead("["))
      return characterClass();
    if (ahead("\\"))
      return escape();
    if (take(".")) { // Oniguruma's and PCRE2's dot both leave out U+000A only.
      out += '.';
      return Status::ok();
    }
    for (std::string_view refused : {"^", "$", "*", "+", "?", "{", "}", "]"})
      if (ahead(refused))
        return refuse("'" + std::string(refused) +
                          "' where a character or a group begins",
                      "it escaped, or a pattern without it");
    return literal(takePoint());
  }

  Status literal(uint32_t point) {
    if (ignoreCase) {
      // Oniguruma folds several letters into one ('ss' is U+00DF), PCRE2 does
      // not: the ASCII pairs that take part are refused.
      char lower = point < 0x80
                       ? static_cast<char>(
                             point >= 'A' && point <= 'Z' ? point + 32 : point)
                       : 0;
      if (!lower)
        return refuse("a character beyond ASCII under (?i:", "ASCII");
      for (std::string_view pair : {"ss", "ff", "fi", "fl", "st"})
        if (folded == pair.substr(0, 1) && lower == pair[1])
          return refuse("'" + std::string(pair) +
                            "' under (?i:, which folds to one character",
                        "a pattern without it");
      folded.assign(1, lower);
    }
    out += isAlphanumeric(point) ? std::string(1, static_cast<char>(point))
                                 : hex(point);
    return Status::ok();
  }

  Status group(int depth, bool &repeatable) {
    bool outer = ignoreCase;
    folded.clear();
    if (take("(?:")) {
      out += "(?:";
    } else if (take("(?i:")) {
      out += "(?i:";
      ignoreCase = true;
    } else if (take("(?!")) {
      out += "(?!";
      repeatable = false;
    } else if (take("(?=")) {
      out += "(?=";
      repeatable = false;
    } else if (ahead("(?") || ahead("(*")) {
      return refuse("the group '" + std::string(rest.substr(0, 3)) + "'",
                    "(, (?:, (?i:, (?= or (?!");
    } else {
      take("(");
      out += "(?:"; // Nothing refers to a group, so none is captured.
    }
    SLUICE_RETURN_IF_ERROR(alternatives(depth + 1));
    if (!take(")"))
      return refuse("the end of the pattern", "')'");
    out += ')';
    ignoreCase = outer;
    folded.clear();
    return Status::ok();
  }

  Status repetition(bool repeatable) {
    std::string text;
    if (take("*"))
      text = "*";
    else if (take("+"))
      text = "+";
    else if (take("?"))
      text = "?";
    else if (ahead("{"))
      return bounds(repeatable);
    else
      return Status::ok();
    folded.clear();
    if (!repeatable)
      return refuse("a repeated lookahead", "a lookahead alone");
    if (take("?"))
      text += '?';
    else if (take("+"))
      text += '+';
    if (ahead("*") || ahead("+") || ahead("?") || ahead("{"))
      return refuse("a repetition of a repetition",
                    "a group around the inner one");
    out += text;
    return Status::ok();
  }

  Status bounds(bool repeatable) {
    take("{");
    folded.clear();
    std::string least, most;
    while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9')
      least += static_cast<char>(takePoint());
    bool range = take(",");
    while (range && !rest.empty() && rest[0] >= '0' && rest[0] <= '9')
      most += static_cast<char>(takePoint());
    if (least.empty() || least.size() > 4 || most.size() > 4 || !take("}") ||
        !repeatable)
      return refuse("a '{' that begins no repetition {m}, {m,} or {m,n}",
                    "one of these, or '\\{'");
    if (ahead("*") || ahead("+") || ahead("?") || ahead("{"))
      return refuse("a mark behind {m,n}, which engines read differently",
                    "a group around it");
    out += "{" + least + (range ? "," + most : "") + "}";
    return Status::ok();
  }

  /// `\s`, `\p{..}` and such, as the inside of a class. Sets `negated` for the
  /// capital forms. Returns false when the escape is a single character.
  Result<bool> setEscape(std::string &inside, bool &negated) {
    if (take("\\s") || ahead("\\S")) {
      negated = take("\\S");
      inside = inClass(whiteSpace());
      return true;
    }
    if (take("\\d") || ahead("\\D")) {
      negated = take("\\D");
      return category("Nd", inside);
    }
    if (!ahead("\\p{") && !ahead("\\P{"))
      return false;
    size_t end = rest.find('}');
    if (end == std::string_view::npos)
      return refuse("'\\p{' without '}'", "a closed property");
    std::string_view name = rest.substr(3, end - 3);
    negated = rest[1] == 'P';
    if (!name.empty() && name[0] == '^') {
      negated = !negated;
      name.remove_prefix(1);
    }
    SLUICE_ASSIGN_OR_RETURN(bool known, category(name, inside));
    rest.remove_prefix(end + 1);
    return known;
  }

  Result<bool> category(std::string_view name, std::string &inside) {
    for (const Category &known : categories()) {
      if (known.name != name)
        continue;
      if (ignoreCase)
        return refuse("a property under (?i:", "properties outside of it");
      inside = "\\p{" + std::string(name) + "}" + inClass(known.extra);
      return true;
    }
    std::string names;
    for (const Category &known : categories())
      names += (names.empty() ? "" : " ") + std::string(known.name);
    return refuse("the property " + inQuotes(name, 40), "one of " + names);
  }

  Result<uint32_t> characterEscape() {
    struct Simple {
      char name;
      uint32_t point;
    };
    static constexpr Simple kSimple[] = {
        {'r', 13}, {'n', 10}, {'t', 9}, {'f', 12}, {'v', 11}};
    for (Simple simple : kSimple)
      if (rest.size() > 1 && rest[1] == simple.name) {
        rest.remove_prefix(2);
        return simple.point;
      }
    if (ahead("\\u"))
      return hexEscape(2, 4, "");
    if (ahead("\\x{"))
      return hexEscape(3, 6, "}");
    if (rest.size() > 1 && static_cast<uint8_t>(rest[1]) < 0x80 &&
        rest[1] > ' ' && !isAlphanumeric(rest[1])) {
      rest.remove_prefix(1);
      return takePoint();
    }
    return refuse("the escape " + inQuotes(rest.substr(0, 2)),
                  "\\s \\S \\d \\D \\p{..} \\P{..} \\r \\n \\t \\f \\v \\uHHHH "
                  "\\x{..} or a punctuation mark");
  }

  Result<uint32_t> hexEscape(size_t prefix, size_t digits,
                             std::string_view close) {
    std::string_view text =
        rest.substr(prefix, close.empty() ? digits : rest.find('}') - prefix);
    uint32_t point = 0;
    for (char c : text) {
      uint32_t digit = c >= '0' && c <= '9'   ? c - '0'
                       : c >= 'a' && c <= 'f' ? c - 'a' + 10
                       : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                              : 16;
      if (digit == 16)
        text = {};
      else
        point = point << 4 | digit;
    }
    bool wrongSize = close.empty() ? text.size() != digits
                                   : text.empty() || text.size() > digits;
    if (wrongSize || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
      return refuse("a broken hexadecimal escape",
                    "\\uHHHH or \\x{H..} with a code point");
    rest.remove_prefix(prefix + text.size() + close.size());
    return point;
  }

  Status escape() {
    std::string inside;
    bool negated = false;
    SLUICE_ASSIGN_OR_RETURN(bool isSet, setEscape(inside, negated));
    if (!isSet) {
      SLUICE_ASSIGN_OR_RETURN(uint32_t point, characterEscape());
      return literal(point);
    }
    folded.clear();
    out += (negated ? "[^" : "[") + inside + "]";
    return Status::ok();
  }

  Status characterClass() {
    folded.clear();
    take("[");
    std::string inside;
    bool negated = take("^");
    bool empty = true;
    while (!take("]")) {
      if (rest.empty())
        return refuse("the end of the pattern", "']'");
      if (ahead("&&"))
        return refuse("'&&' in a class (an intersection for Hugging Face, two "
                      "ampersands for PCRE2)",
                      "a class without it");
      if (ahead("["))
        return refuse("'[' in a class", "'\\[', or no nesting");
      std::string set;
      bool negatedSet = false;
      Result<bool> isSet =
          ahead("\\") ? setEscape(set, negatedSet) : Result<bool>(false);
      if (!isSet)
        return isSet.takeStatus();
      if (negatedSet)
        return refuse("a negated set in a class",
                      "its opposite, or an alternative");
      if (*isSet) {
        if (ahead("-") && !ahead("-]"))
          return refuse("a range that begins with a set",
                        "a range of characters");
        inside += set;
      } else {
        SLUICE_RETURN_IF_ERROR(classRange(inside, empty));
      }
      empty = false;
    }
    if (empty)
      return refuse("an empty class", "a character in it");
    out += (negated ? "[^" : "[") + inside + "]";
    return Status::ok();
  }

  Result<uint32_t> classCharacter() {
    if (ahead("\\"))
      return characterEscape();
    uint32_t point = takePoint();
    if (ignoreCase && point >= 0x80)
      return refuse("a character beyond ASCII under (?i:", "ASCII");
    return point;
  }

  /// One character, or a range of two.
  Status classRange(std::string &inside, bool first) {
    bool bareHyphen = ahead("-");
    if (bareHyphen && !first && !ahead("-]"))
      return refuse("a '-' between a range and more", "'\\-'");
    SLUICE_ASSIGN_OR_RETURN(uint32_t from, classCharacter());
    inside += hex(from);
    if (bareHyphen || !ahead("-") || ahead("-]"))
      return Status::ok();
    take("-");
    if (rest.empty() || ahead("[") || ahead("&&"))
      return refuse("a range without an end", "a character");
    SLUICE_ASSIGN_OR_RETURN(uint32_t to, classCharacter());
    if (to < from)
      return refuse("a range that runs backwards",
                    "the smaller character first");
    inside += "-" + hex(to);
    return Status::ok();
  }

  std::string_view rest, all, where;
  std::string out;
  std::string folded; ///< The literal before, under (?i:.
  bool ignoreCase = false;
};

} // namespace

Result<std::string> translatePattern(std::string_view pattern,
                                     std::string_view where) {
  return Translator(pattern, where).run();
}

std::string escapeLiteral(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    Utf8Step step = stepUtf8(text);
    out += hex(step.point);
    text.remove_prefix(step.bytes);
  }
  return out;
}

} // namespace sluice::text
