//===- event_steps.cpp - Records and waits --------------------------------===//

#include "runtime/executor/steps.h"

namespace sluice {

Status run(const RecordStep &step, Backend &backend, const StepSize &) {
  return backend.record(step.stream, step.event);
}

Status run(const WaitStep &step, Backend &backend, const StepSize &) {
  return backend.wait(step.stream, step.event);
}

} // namespace sluice
