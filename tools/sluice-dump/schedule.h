//===- schedule.h - A step's timeline for the terminal ----------*- C++ -*-===//
//
// Draws the spans of a trace in plain ASCII: a line a stream, time from left to
// right. sluice-dump draws the trace of a simulated step; any trace will do.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/backend/trace.h"

#include <ostream>
#include <span>
#include <string>

namespace sluice::tools {

struct DrawOptions {
  std::string title;  ///< What the spans are of; the first line.
  int columns = 100;  ///< Of the time axis; at least 10.
  int32_t layer = -1; ///< Only the time of this layer, with its spans listed.
};

/// Prints
///   - the title, the time drawn and what a column is worth;
///   - a ruler of milliseconds, and one of layers where spans have them;
///   - a line a stream that has spans: each column the letter of what took most
///     of it, '.' where something ran but most of it was idle, blank where
///     nothing ran; then the share of the time that the stream was busy and, of
///     copies, the bytes and their rate while they ran;
///   - a legend of the letters that occur.
/// With a layer, the time is from the start of its first span on the compute
/// stream to that of the next layer's, and the spans in it follow, one a line.
/// A trace that does not have the layer gets a line that says so.
void drawSchedule(std::ostream &out, std::span<const TraceSpan> spans,
                  const DrawOptions &options);

} // namespace sluice::tools
