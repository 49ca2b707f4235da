//===- bind_reports.h - What the driving thread waits for -------*- C++ -*-===//
//
// A layer ends with small copies to the host and a record, and the driving
// thread waits for that event alone: nothing is so urgent. Backends have one
// call for all of it, which can be captured too.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/executor/steps.h"

#include <vector>

namespace sluice {

/// Makes one ReportStep, inside the stretch, of up to kMaxCopies copies from
/// device to host at the end of a stretch and the record behind it, where no
/// stream of the entry point waits for its event and the copies are made in
/// every step. Others stay as they are. Call before places of steps are known.
void bindReports(std::vector<Step> &steps);

} // namespace sluice
