//===- kernels.h - A plan's launches, one by one ----------------*- C++ -*-===//
#pragma once

#include "runtime/core/hardware.h"
#include "runtime/plan/plan_generated.h"
#include "tools/sluice-profile/expert_shape.h"
#include "tools/sluice-profile/timer.h"

#include <vector>

namespace sluice::tools {

/// The shape of the plan's experts: of its first layer that has some.
std::optional<ExpertShape> expertShapeOf(const plan::fb::Plan &plan);

/// What the plan keeps of experts in host memory, in bytes.
uint64_t hostExpertBytes(const plan::fb::Plan &plan);

/// Times every launch of the plan's entries that differs from the others in
/// kernel, class or dims, for each of `rows` that its entry allows and, for
/// attention, contexts up to the plan's longest sequence. Operands are random
/// numbers and sane ids; large weights go round, so that no cache holds them.
Status profileKernels(Backend &backend, Timer &timer,
                      const plan::fb::Plan &plan,
                      const std::vector<int64_t> &rows, Hardware &into);

/// Takes the rates of matrix and vector units from the fastest measured product
/// of each class; without one they stay as they are.
void rateArithmetic(Hardware &hardware);

/// Times experts of this shape: several in one launch of each half.
Status profileExperts(Backend &backend, Timer &timer, const ExpertShape &shape,
                      Hardware &into);

} // namespace sluice::tools
