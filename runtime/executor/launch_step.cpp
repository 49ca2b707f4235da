//===- launch_step.cpp - Runs a kernel ------------------------------------===//

#include "runtime/executor/steps.h"

namespace sluice {

Status run(const LaunchStep &step, Backend &backend, const StepSize &size) {
  backend.label({step.name, step.layer, -1});
  return backend.launch(step.stream, step.kernel, step.args,
                        size.count(step.rows));
}

} // namespace sluice
