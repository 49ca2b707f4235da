//===- log.h - What the tools say and how they end --------------*- C++ -*-===//
//
// stdout carries a tool's result, stderr its log. Every tool ends with one of
// three exit codes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <string_view>

namespace sluice::tools {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

/// Lines on stderr, in the form "tool: info: message", one line whatever the
/// message holds. Thread-safe.
void logInfo(std::string_view message);
void logWarning(std::string_view message);
void logError(std::string_view message);

/// Sets the tool's name that begins each line. Call once, first.
void initLog(std::string_view tool);

/// Logs a failed status as an error and gives kFailed.
int fail(const Status &status);

} // namespace sluice::tools
