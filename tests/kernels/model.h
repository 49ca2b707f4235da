//===- model.h - The written arithmetic, as plainly as possible --*- C++
//-*-===//
//
// One loop nest a kernel that follows the written order of operations element
// by element in binary32. Every backend's portable kernels must give its bits.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "tests/kernels/cases.h"

namespace sluice::test {

/// Runs the case on `data`, which was made from it.
void runModel(const Case &source, Operands &data);

} // namespace sluice::test
