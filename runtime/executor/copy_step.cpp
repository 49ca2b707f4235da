//===- copy_step.cpp - Copies between host and device ---------------------===//

#include "runtime/executor/steps.h"

namespace sluice {

Status run(const CopyStep &step, Backend &backend, const StepSize &size) {
  if (step.recording && !size.recording)
    return Status::ok();
  backend.label({"copy", -1, -1});
  return backend.copy(step.stream, step.target, step.targetKind, step.source,
                      step.sourceKind, step.bytes * size.count(step.rows));
}

} // namespace sluice
