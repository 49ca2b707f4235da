//===- schedule.cpp - A step's timeline for the terminal ------------------===//

#include "tools/sluice-dump/schedule.h"

#include "tools/support/trace_json.h"
#include "tools/support/units.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

namespace sluice::tools {
namespace {

constexpr int kNameWidth = 10;
constexpr size_t kSpansListed = 60;

/// What a letter stands for. The order is that of the legend.
struct Letter {
  char letter;
  const char *meaning;
};
constexpr Letter kLetters[] = {
    {'L', "linear"},
    {'A', "attention and its cache"},
    {'R', "router"},
    {'X', "experts"},
    {'o', "other kernels"},
    {'G', "graph"},
    {'=', "expert copy"},
    {'-', "other copy"},
    {'H', "experts on the CPU"},
    {'D', "read from disk"},
};
constexpr int kLetterCount = int(std::size(kLetters));

int indexOf(char letter) {
  for (int i = 0; i < kLetterCount; ++i)
    if (kLetters[i].letter == letter)
      return i;
  return 0;
}

/// The kind of a span as an index of kLetters.
int kindOf(const TraceSpan &span) {
  const std::string_view name = span.label.name;
  auto begins = [&](std::string_view word) { return name.starts_with(word); };
  if (span.stream == kHostTrack)
    return indexOf('H');
  if (span.stream == kDiskTrack)
    return indexOf('D');
  if (span.bytes > 0)
    return indexOf(span.label.expert >= 0 ? '=' : '-');
  if (begins("graph"))
    return indexOf('G');
  if (begins("linear"))
    return indexOf('L');
  if (begins("attention") || begins("qk_norm") || begins("kv_write") ||
      begins("rope"))
    return indexOf('A');
  if (begins("route") || begins("add_norm_route") || begins("softmax") ||
      begins("top_k"))
    return indexOf('R');
  if (begins("expert"))
    return indexOf('X');
  return indexOf('o');
}

struct Window {
  double start = 0, end = 0;
  double length() const { return end - start; }
};

Window wholeOf(std::span<const TraceSpan> spans) {
  Window window{spans.front().startUs, 0};
  for (const TraceSpan &span : spans) {
    window.start = std::min(window.start, span.startUs);
    window.end = std::max(window.end, span.endUs);
  }
  return window;
}

/// When each layer begins on the compute stream, in the order of layers.
std::map<int32_t, double> layerStarts(std::span<const TraceSpan> spans) {
  std::map<int32_t, double> starts;
  for (const TraceSpan &span : spans)
    if (span.stream == StreamKind::Compute && span.label.layer >= 0) {
      auto [at, fresh] = starts.emplace(span.label.layer, span.startUs);
      if (!fresh)
        at->second = std::min(at->second, span.startUs);
    }
  return starts;
}

std::string format(const char *pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

/// One line of the drawing.
class Track {
public:
  Track(const Window &window, int columns)
      : window(window), busy(size_t(columns)) {}

  void add(const TraceSpan &span) {
    Window part{std::max(span.startUs, window.start),
                std::min(span.endUs, window.end)};
    if (part.length() <= 0)
      return;
    total += part.length();
    // A copy that lies partly outside counts by the part inside.
    if (span.bytes > 0) {
      bytes += double(span.bytes) * part.length() / (span.endUs - span.startUs);
      copying += part.length();
    }
    const double width = window.length() / double(busy.size());
    const int kind = kindOf(span);
    auto column = size_t((part.start - window.start) / width);
    for (; column < busy.size(); ++column) {
      double from = window.start + double(column) * width;
      if (from >= part.end)
        break;
      double share =
          std::min(part.end, from + width) - std::max(part.start, from);
      if (share > 0)
        busy[column][size_t(kind)] += share / width;
    }
  }

  bool isEmpty() const { return total == 0; }

  std::string line(std::array<bool, kLetterCount> &used) const {
    std::string text;
    for (const auto &column : busy) {
      double sum = 0;
      for (double share : column)
        sum += share;
      const auto most = std::max_element(column.begin(), column.end());
      const auto kind = size_t(most - column.begin());
      if (sum <= 0)
        text += ' ';
      else if (*most < 1 - sum)
        text += '.';
      else
        text += kLetters[kind].letter;
      for (size_t i = 0; i < column.size(); ++i)
        used[i] |= column[i] > 0;
    }
    return text;
  }

  std::string figures() const {
    std::string text = format("%4.0f%%", 100 * total / window.length());
    if (bytes > 0)
      text += "  " + formatBytes(uint64_t(bytes)) +
              format(" at %.1f GB/s", bytes / copying / 1e3);
    return text;
  }

private:
  Window window;
  std::vector<std::array<double, kLetterCount>> busy; ///< Shares of a column.
  double total = 0;              ///< Busy, in microseconds.
  double copying = 0, bytes = 0; ///< What of it was copies.
};

/// Puts `text` at `column`, unless it would touch what stands there before.
void place(std::string &ruler, size_t column, const std::string &text) {
  const size_t free = ruler.empty() ? 0 : ruler.size() + 1;
  if (column < free)
    return;
  ruler.resize(column, ' ');
  ruler += text;
}

std::string timeRuler(const Window &window, int columns) {
  std::string ruler;
  for (int column = 0; column < columns; column += columns / 5)
    place(ruler, size_t(column),
          "|" + format("%.3g",
                       (window.start + window.length() * column / columns) /
                           1e3));
  return ruler + " ms";
}

std::string layerRuler(const std::map<int32_t, double> &starts,
                       const Window &window, int columns) {
  std::string ruler;
  for (const auto &[layer, start] : starts)
    if (start >= window.start && start < window.end)
      place(ruler, size_t((start - window.start) / window.length() * columns),
            "|" + std::to_string(layer));
  return ruler;
}

void printLine(std::ostream &out, const std::string &name,
               const std::string &text) {
  std::string line = name;
  line.resize(std::max(line.size(), size_t(kNameWidth)), ' ');
  line += text;
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

void listSpans(std::ostream &out, std::span<const TraceSpan> spans,
               const Window &window) {
  size_t listed = 0, left = 0;
  for (const TraceSpan &span : spans) {
    if (span.endUs <= window.start || span.startUs >= window.end)
      continue;
    if (listed == kSpansListed) {
      ++left;
      continue;
    }
    ++listed;
    char text[160];
    std::snprintf(text, sizeof text, "%10.3f ms %9.1f us  %-9s  %s%s",
                  span.startUs / 1e3, span.endUs - span.startUs,
                  name(span.stream), spanName(span.label).c_str(),
                  span.bytes > 0 ? (", " + formatBytes(span.bytes)).c_str()
                                 : "");
    out << text << '\n';
  }
  if (left > 0)
    out << "  ... and " << left << " more\n";
}

} // namespace

void drawSchedule(std::ostream &out, std::span<const TraceSpan> spans,
                  const DrawOptions &options) {
  out << options.title << '\n';
  if (spans.empty()) {
    out << "nothing ran\n";
    return;
  }
  const int columns = std::max(options.columns, 10);
  const auto starts = layerStarts(spans);
  Window window = wholeOf(spans);
  if (options.layer >= 0) {
    const auto at = starts.find(options.layer);
    if (at == starts.end()) {
      out << "layer " << options.layer << " did not run\n";
      return;
    }
    window.start = at->second;
    if (const auto next = std::next(at); next != starts.end())
      window.end = next->second;
  }
  if (window.length() <= 0) {
    out << "nothing took time\n";
    return;
  }
  out << format("%.3f ms, ", window.length() / 1e3)
      << format("a column is %.4g us\n\n", window.length() / columns);

  std::vector<Track> tracks(kTrackCount, Track(window, columns));
  for (const TraceSpan &span : spans)
    tracks[size_t(span.stream)].add(span);
  printLine(out, "", timeRuler(window, columns));
  if (const std::string ruler = layerRuler(starts, window, columns);
      !ruler.empty())
    printLine(out, "layer", ruler);
  std::array<bool, kLetterCount> used = {};
  for (int track = 0; track < kTrackCount; ++track)
    if (!tracks[size_t(track)].isEmpty())
      printLine(out, name(static_cast<StreamKind>(track)),
                tracks[size_t(track)].line(used) +
                    tracks[size_t(track)].figures());
  out << '\n';
  for (int i = 0; i < kLetterCount; ++i)
    if (used[size_t(i)])
      out << "  " << kLetters[i].letter << ' ' << kLetters[i].meaning;
  out << "  . mostly idle\n";
  if (options.layer >= 0) {
    out << '\n';
    listSpans(out, spans, window);
  }
}

} // namespace sluice::tools
