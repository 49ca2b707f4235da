//===- nfc.cpp --------------------------------------------------*- C++ -*-===//
#include "runtime/text/nfc.h"
#include "runtime/text/unicode_tables.h"
#include "runtime/text/utf8.h"

#include <algorithm>
#include <utf8proc.h>
#include <vector>

namespace sluice::text {
namespace {

/// Below it no code point takes part in a composition as the second, so a
/// normalisation may be cut before it.
constexpr uint32_t kFirstMark = 0x300;

/// Collects decomposed code points between two cuts and composes them.
class Segment {
public:
  void add(uint32_t point) {
    utf8proc_int32_t parts[8]; // Canonical decompositions have four at most.
    utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(point), parts, 8,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE),
        nullptr);
    if (count < 1 || count > 8) { // Not reached for valid code points.
      parts[0] = static_cast<utf8proc_int32_t>(point);
      count = 1;
    }
    points.insert(points.end(), parts, parts + count);
  }

  void flush(std::string &out) {
    if (points.empty())
      return;
    sortMarks();
    utf8proc_ssize_t count = utf8proc_normalize_utf32(
        points.data(), static_cast<utf8proc_ssize_t>(points.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    for (utf8proc_ssize_t i = 0; i < count; ++i)
      appendPoint(out, static_cast<uint32_t>(points[i]));
    points.clear();
  }

private:
  static int combiningClass(utf8proc_int32_t point) {
    return utf8proc_get_property(point)->combining_class;
  }

  void sortMarks() {
    for (size_t begin = 0; begin < points.size();) {
      if (combiningClass(points[begin]) == 0) {
        ++begin;
        continue;
      }
      size_t end = begin + 1;
      while (end < points.size() && combiningClass(points[end]) != 0)
        ++end;
      if (end - begin > 1)
        sortRun(begin, end);
      begin = end;
    }
  }

  /// Marks of the same class keep their order: class, place and code point are
  /// sorted as one number of 8, 32 and 24 bits.
  void sortRun(size_t begin, size_t end) {
    keys.clear();
    for (size_t i = begin; i < end; ++i)
      keys.push_back(uint64_t(combiningClass(points[i])) << 56 |
                     uint64_t(i - begin) << 24 |
                     static_cast<uint32_t>(points[i]));
    std::sort(keys.begin(), keys.end());
    for (size_t i = begin; i < end; ++i)
      points[i] = static_cast<utf8proc_int32_t>(keys[i - begin] & 0xFFFFFF);
  }

  std::vector<uint64_t> keys;
  std::vector<utf8proc_int32_t> points;
};

} // namespace

std::string toNfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Segment segment;
  bool inSegment = false;
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = stepUtf8(text.substr(at));
    if (step.point < kFirstMark) {
      if (inSegment)
        segment.flush(out);
      inSegment = false;
      out += text.substr(at, step.bytes);
    } else if (contains(inertInNfc(), step.point)) {
      segment.flush(out);
      inSegment = true; // What follows must not look back beyond this one.
      out += text.substr(at, step.bytes);
    } else {
      if (!inSegment && !out.empty()) {
        // The character before may be the base of a composition.
        size_t bytes = 0;
        uint32_t base = lastPoint(out, &bytes);
        out.resize(out.size() - bytes);
        segment.add(base);
      }
      inSegment = true;
      segment.add(step.point);
    }
    at += step.bytes;
  }
  segment.flush(out);
  return out;
}

} // namespace sluice::text
