//===- trace_json.h - Traces for ui.perfetto.dev ----------------*- C++ -*-===//
#pragma once

#include "runtime/backend/trace.h"
#include "runtime/core/status.h"

#include <span>
#include <string>
#include <string_view>

namespace sluice::tools {

/// "expert L3 E17": the label's name, its layer and its expert where it has
/// them.
std::string spanName(const TraceLabel &label);

/// Spans as Chrome trace JSON, which ui.perfetto.dev and chrome://tracing open:
/// one process named `process`, one track a stream in the order of StreamKind
/// and one for host work, complete events named by spanName with layer, expert
/// and bytes as arguments. Times in microseconds, as the format has them.
std::string traceJson(std::span<const TraceSpan> spans,
                      std::string_view process);

/// Writes traceJson to a file. Io names the path.
Status writeTrace(const std::string &path, std::span<const TraceSpan> spans,
                  std::string_view process);

} // namespace sluice::tools
