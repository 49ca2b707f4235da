//===- utf8.cpp -------------------------------------------------*- C++ -*-===//
#include "runtime/text/utf8.h"

namespace sluice::text {

Utf8Step stepUtf8(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = at(0);
  if (lead < 0x80)
    return {Utf8Step::Valid, 1, lead};
  if (lead < 0xC2 || lead > 0xF4)
    return {Utf8Step::Invalid, 1, 0};
  uint8_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte alone decides on overlong forms, surrogates and the end of
  // Unicode; the others may be any continuation byte.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  uint32_t point = lead & (0x7F >> length);
  for (uint8_t i = 1; i < length; ++i) {
    if (i == text.size())
      return {Utf8Step::Incomplete, i, 0};
    uint8_t next = at(i);
    if (next < low || next > high)
      return {Utf8Step::Invalid, i, 0};
    low = 0x80;
    high = 0xBF;
    point = point << 6 | (next & 0x3F);
  }
  return {Utf8Step::Valid, length, point};
}

bool isValidUtf8(std::string_view text) {
  while (!text.empty()) {
    Utf8Step step = stepUtf8(text);
    if (step.kind != Utf8Step::Valid)
      return false;
    text.remove_prefix(step.bytes);
  }
  return true;
}

std::string toValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    Utf8Step step = stepUtf8(text);
    out += step.kind == Utf8Step::Valid ? text.substr(0, step.bytes)
                                        : kReplacement;
    text.remove_prefix(step.bytes);
  }
  return out;
}

uint32_t firstPoint(std::string_view validText) {
  return stepUtf8(validText).point;
}

uint32_t lastPoint(std::string_view validText, size_t *bytes) {
  size_t start = validText.size() - 1;
  while (start > 0 && (static_cast<uint8_t>(validText[start]) & 0xC0) == 0x80)
    --start;
  if (bytes)
    *bytes = validText.size() - start;
  return firstPoint(validText.substr(start));
}

void appendPoint(std::string &out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static constexpr uint8_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[more] | point >> (6 * more));
  for (int i = more - 1; i >= 0; --i)
    out += static_cast<char>(0x80 | (point >> (6 * i) & 0x3F));
}

} // namespace sluice::text
