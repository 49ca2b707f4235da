//===- trace_json.cpp - Traces for ui.perfetto.dev ------------------------===//

#include "tools/support/trace_json.h"

#include "runtime/core/json.h"
#include "runtime/io/file.h"

#include <cstdio>

namespace sluice::tools {
namespace {

/// `text` with its quotes. Never throws: broken UTF-8 is replaced.
std::string jsonString(std::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Nanoseconds are as fine as any clock here.
std::string microseconds(double us) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3f", us);
  return text;
}

std::string metadata(const char *kind, int track, const std::string &args) {
  return "{\"ph\":\"M\",\"pid\":1,\"tid\":" + std::to_string(track) +
         ",\"name\":\"" + kind + "\",\"args\":{" + args + "}}";
}

std::string event(const TraceSpan &span) {
  std::string args;
  auto add = [&](const char *key, const std::string &value) {
    args += (args.empty() ? "\"" : ",\"") + std::string(key) + "\":" + value;
  };
  if (span.label.layer >= 0)
    add("layer", std::to_string(span.label.layer));
  if (span.label.expert >= 0)
    add("expert", std::to_string(span.label.expert));
  if (span.bytes > 0)
    add("bytes", std::to_string(span.bytes));
  return "{\"ph\":\"X\",\"pid\":1,\"tid\":" +
         std::to_string(int(span.stream) + 1) +
         ",\"ts\":" + microseconds(span.startUs) +
         ",\"dur\":" + microseconds(span.endUs - span.startUs) +
         ",\"name\":" + jsonString(spanName(span.label)) + ",\"cat\":\"" +
         (span.bytes > 0 ? "copy" : "work") + "\",\"args\":{" + args + "}}";
}

} // namespace

std::string spanName(const TraceLabel &label) {
  std::string text = *label.name ? label.name : "work";
  if (label.layer >= 0)
    text += " L" + std::to_string(label.layer);
  if (label.expert >= 0)
    text += " E" + std::to_string(label.expert);
  return text;
}

std::string traceJson(std::span<const TraceSpan> spans,
                      std::string_view process) {
  std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  text += metadata("process_name", 0, "\"name\":" + jsonString(process));
  for (int track = 1; track <= kTrackCount; ++track) {
    const char *stream = name(static_cast<StreamKind>(track - 1));
    text += ",\n" + metadata("thread_name", track,
                             "\"name\":\"" + std::string(stream) + "\"");
    text += ",\n" + metadata("thread_sort_index", track,
                             "\"sort_index\":" + std::to_string(track));
  }
  for (const TraceSpan &span : spans)
    text += ",\n" + event(span);
  return text + "\n]}\n";
}

Status writeTrace(const std::string &path, std::span<const TraceSpan> spans,
                  std::string_view process) {
  return writeFile(path, traceJson(spans, process));
}

} // namespace sluice::tools
