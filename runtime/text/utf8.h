//===- utf8.h - UTF-8, also when it is broken -------------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::text {

/// U+FFFD in UTF-8.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// What stands at the start of a byte string.
struct Utf8Step {
  enum Kind : uint8_t {
    Valid,      ///< A code point of `bytes` bytes.
    Invalid,    ///< `bytes` bytes that become one U+FFFD.
    Incomplete, ///< All bytes there are begin a code point that is cut off.
  } kind;
  uint8_t bytes;
  uint32_t point; ///< For Valid.
};

/// Looks at the start of `text`, which must not be empty. Broken text is cut by
/// the rule of the maximal subpart (Unicode, section 3.9), as Python's
/// bytes.decode(errors="replace") and Rust's from_utf8_lossy do.
Utf8Step stepUtf8(std::string_view text);

/// `text` with every broken part replaced by U+FFFD.
std::string toValidUtf8(std::string_view text);
bool isValidUtf8(std::string_view text);

/// The first code point of valid UTF-8, which must not be empty.
uint32_t firstPoint(std::string_view validText);
/// The last code point of valid UTF-8, which must not be empty.
uint32_t lastPoint(std::string_view validText, size_t *bytes = nullptr);
void appendPoint(std::string &out, uint32_t point);

} // namespace sluice::text
