//===- reference.h - What kernels compute, in double -------------*- C++
//-*-===//
//
// The mathematics of each kernel without regard for order or rounding, written
// from the signatures alone: it shares no code with the kernels, so that a
// mistake would have to be made twice.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "tests/kernels/cases.h"

namespace sluice::test {

/// Operands as doubles, in the signature's order.
using Doubles = std::vector<std::vector<double>>;

/// Every operand of `source` after the launch.
Doubles runReference(const Case &source);

// By kind; each takes the operands before the launch and fills in the results.
bool referenceDense(const Case &source, Doubles &x);
bool referenceAttention(const Case &source, Doubles &x);
bool referenceExperts(const Case &source, Doubles &x);

} // namespace sluice::test
