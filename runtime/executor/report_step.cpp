//===- report_step.cpp - Copies to the host and their event ---------------===//

#include "runtime/executor/steps.h"

namespace sluice {

Status run(const ReportStep &step, Backend &backend, const StepSize &size) {
  ReportPart parts[ReportStep::kMaxCopies];
  for (uint32_t i = 0; i < step.count; ++i) {
    const CopyStep &copy = step.copies[i];
    parts[i] = {copy.target, copy.source,
                copy.bytes * static_cast<uint64_t>(size.count(copy.rows))};
  }
  backend.label({"report", -1, -1});
  return backend.report(step.stream, {parts, step.count}, step.event);
}

} // namespace sluice
