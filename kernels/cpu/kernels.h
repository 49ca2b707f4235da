//===- kernels.h - One function a kernel ------------------------*- C++ -*-===//
//
// What registry.cpp gathers: each function is in the file of its mnemonic, and
// its operands are those of kernels/signatures.cpp.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/cpu/registry.h"

namespace sluice::cpu {

void embed(const KernelArgs &, int64_t rows, const Parallel &);
void linear(const KernelArgs &, int64_t rows, const Parallel &);
void linearGroup(const KernelArgs &, int64_t rows, const Parallel &);
void rmsNorm(const KernelArgs &, int64_t rows, const Parallel &);
void add(const KernelArgs &, int64_t rows, const Parallel &);
void addRmsNorm(const KernelArgs &, int64_t rows, const Parallel &);
void addNormRoute(const KernelArgs &, int64_t rows, const Parallel &);
void rope(const KernelArgs &, int64_t rows, const Parallel &);
void kvWrite(const KernelArgs &, int64_t rows, const Parallel &);
void qkNormRopeWrite(const KernelArgs &, int64_t rows, const Parallel &);
void attention(const KernelArgs &, int64_t rows, const Parallel &);
void softmax(const KernelArgs &, int64_t rows, const Parallel &);
void topK(const KernelArgs &, int64_t rows, const Parallel &);
void route(const KernelArgs &, int64_t rows, const Parallel &);
void swiglu(const KernelArgs &, int64_t rows, const Parallel &);
void expertDemand(const KernelArgs &, int64_t rows, const Parallel &);
void expertGateUp(const KernelArgs &, int64_t rows, const Parallel &);
void expertDown(const KernelArgs &, int64_t rows, const Parallel &);
void expertCombine(const KernelArgs &, int64_t rows, const Parallel &);
void expertScatter(const KernelArgs &, int64_t rows, const Parallel &);
void selectRows(const KernelArgs &, int64_t rows, const Parallel &);

} // namespace sluice::cpu
