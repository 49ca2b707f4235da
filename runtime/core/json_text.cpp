//===- json_text.cpp - Words about JSON errors ----------------------------===//
#include "runtime/core/json_text.h"

#include <algorithm>

namespace sluice {

std::string lineAndColumn(std::string_view text, size_t position) {
  // The parser's position counts the byte it stumbled over.
  const size_t at = std::min(position ? position - 1 : 0, text.size());
  const std::string_view before = text.substr(0, at);
  const size_t line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t column =
      newline == std::string_view::npos ? at + 1 : at - newline;
  return std::to_string(line) + ":" + std::to_string(column);
}

/// Bytes of the well-formed UTF-8 sequence at `at`, 0 when there is none.
static size_t utf8Length(std::string_view text, size_t at) {
  auto byte = [&](size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool beyond = lead == 0xF4 && byte(1) >= 0x90;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

std::string printable(std::string_view text, size_t maxBytes) {
  std::string out;
  size_t at = 0;
  while (at < text.size() && out.size() < maxBytes) {
    const size_t length = utf8Length(text, at);
    const unsigned char lead = static_cast<unsigned char>(text[at]);
    // C1 controls (U+0080..U+009F) move terminals as well as C0 ones do.
    const bool control = lead < 0x20 || lead == 0x7F ||
                         (lead == 0xC2 && length == 2 &&
                          static_cast<unsigned char>(text[at + 1]) < 0xA0);
    if (length == 0 || control)
      out += '?';
    else
      out.append(text, at, length);
    at += std::max<size_t>(length, 1);
  }
  if (at < text.size())
    out += "...";
  return out;
}

std::string jsonParserMessage(std::string_view what) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: <text>"
  if (const size_t end = what.find("] "); end != std::string_view::npos)
    what.remove_prefix(end + 2);
  if (what.substr(0, 11) == "parse error")
    if (const size_t end = what.find(": "); end != std::string_view::npos)
      what.remove_prefix(end + 2);
  return printable(what, 200);
}

} // namespace sluice
