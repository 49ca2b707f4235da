//===- step_inputs.h - Checks what a step is asked to read ------*- C++ -*-===//
#pragma once

#include "runtime/executor/bind.h"

namespace sluice {

/// Fails unless every number of the inputs that kernels use as an index is in
/// range; the plan's verifier has proved that nothing else is used so.
/// Allocates nothing when all is well.
Status checkStepInputs(const BoundEntry &entry, const plan::fb::Model &model,
                       const StepSize &size);

} // namespace sluice
