//===- dump.h - A plan for people -------------------------------*- C++ -*-===//
//
// Each function prints one part of a verified plan to `out`.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"
#include "runtime/plan/plan.h"

#include <ostream>

namespace sluice::tools {

/// The model, the files and the sizes.
void printSummary(std::ostream &out, const plan::Plan &plan);
/// The memory table, then every arena with its largest buffers, then the pools
/// and banks of experts.
void printMemory(std::ostream &out, const plan::Plan &plan);
/// Every entry's instructions in the order they are enqueued, a column a
/// stream.
void printInstructions(std::ostream &out, const plan::Plan &plan);
/// The whole plan as JSON, by the schema's own names.
Status printJson(std::ostream &out, const plan::Plan &plan);

} // namespace sluice::tools
