//===- fault.cpp - Failures made on purpose, for tests --------------------===//

#include "runtime/core/fault.h"

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

namespace sluice {
namespace {

constexpr std::string_view kNames[] = {
    "uring", "direct", "pin", "alloc", "read", "short", "graph", "late", "far"};
constexpr int kCount = int(std::size(kNames));
constexpr uint64_t kNever = 0, kAlways = ~uint64_t(0);

struct Entry {
  std::atomic<uint64_t> when{kNever}; ///< Which call, from 1, or kAlways.
  std::atomic<uint64_t> calls{0};
};

class Faults {
public:
  Faults() {
    if (const char *list = std::getenv("SLUICE_FAULT"))
      set(list);
  }

  void set(std::string_view list) {
    for (Entry &entry : entries) {
      entry.when = kNever;
      entry.calls = 0;
    }
    any = false;
    while (!list.empty()) {
      size_t comma = list.find(',');
      add(list.substr(0, comma));
      list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
    }
  }

  bool hits(Fault fault) {
    if (!any.load(std::memory_order_relaxed))
      return false;
    Entry &entry = entries[int(fault)];
    uint64_t when = entry.when.load(std::memory_order_relaxed);
    return when == kAlways ||
           (when != kNever && entry.calls.fetch_add(1) + 1 == when);
  }

private:
  void add(std::string_view text) {
    size_t colon = text.find(':');
    std::string_view name = text.substr(0, colon);
    uint64_t when = kAlways;
    bool understood = true;
    if (colon != text.npos) {
      const char *end = text.data() + text.size();
      auto parsed = std::from_chars(text.data() + colon + 1, end, when);
      understood = parsed.ec == std::errc() && parsed.ptr == end && when > 0;
    }
    for (int i = 0; understood && i < kCount; ++i)
      if (name == kNames[i]) {
        entries[i].when = when;
        any = true;
        return;
      }
    std::fprintf(stderr,
                 "SLUICE_FAULT: found '%.*s', expected %s, alone or as NAME:N; "
                 "left out\n",
                 int(text.size()), text.data(), namesInWords().c_str());
  }

  /// "uring, direct or far".
  static std::string namesInWords() {
    std::string words(kNames[0]);
    for (int i = 1; i < kCount; ++i)
      words.append(i + 1 < kCount ? ", " : " or ").append(kNames[i]);
    return words;
  }

  Entry entries[kCount];
  std::atomic<bool> any{false};
};

Faults &faults() {
  static Faults only;
  return only;
}

} // namespace

bool faultHits(Fault fault) { return faults().hits(fault); }
void setFaults(std::string_view list) { faults().set(list); }

} // namespace sluice
