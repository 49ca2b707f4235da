//===- recorded_routing.h - What --routing brings to a compile --*- C++ -*-===//
#pragma once

#include "compiler/analysis/planner.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <string>

namespace sluice::tools {

/// A routing file that fits the model, as compiler and planner read it.
struct RecordedRouting {
  /// As recorded, for the plan. Null without a file.
  std::shared_ptr<const RoutingStatistics> statistics;
  /// Smoothed, for predictions: every expert is taken to have been used once
  /// more than it was, so that few tokens do not pass for certainty.
  RoutingStatistics likely;
  RoutingEvidence evidence;
};

/// Successors that a plan carries of each expert.
inline constexpr uint32_t kSuccessors = 8;

/// Reads `path` for `model`, an llm module of shape `shape`. Refuses a file
/// that was recorded with other weights, by name. An empty path gives nothing.
Result<RecordedRouting> readRecordedRouting(const std::string &path,
                                            mlir::ModuleOp model,
                                            const ModelShape &shape);

} // namespace sluice::tools
