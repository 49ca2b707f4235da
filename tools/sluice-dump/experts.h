//===- experts.h - Pools and banks for people -------------------*- C++ -*-===//
#pragma once

#include "runtime/plan/plan.h"

#include <ostream>

namespace sluice::tools {

/// The pools of slots and, in a line for each run of layers that are alike, the
/// banks behind them: how many experts live in host memory and on disk, and
/// which are in slots from the start ("0-3,7"). Nothing for a plan whose
/// experts are all resident.
void printExperts(std::ostream &out, const plan::Plan &plan);

} // namespace sluice::tools
