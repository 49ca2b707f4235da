//===- linear_group.h - A group's matrices as linears -----------*- C++ -*-===//
//
// What linear_group is defined by: each of its outputs is that of a linear over
// the same rows. Every backend, and whoever checks them, takes it apart here.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"

namespace sluice {

/// The most matrices of a group.
inline constexpr int kGroupMatrices = 3;

/// The matrices of a linear_group launch: two or three.
inline int groupMatrices(const KernelArgs &group) {
  return group.dim[3] > 0 ? 3 : 2;
}

/// The launch of linear that makes output `matrix` of a linear_group, which is
/// one of groupMatrices. Points to the same memory.
inline KernelArgs linearOfGroup(const KernelArgs &group, int matrix) {
  KernelArgs linear;
  linear.data[0] = group.data[0];
  linear.dtype[0] = group.dtype[0];
  for (int i = 1; i <= 3; ++i) { // weight, bias, out
    linear.data[i] = group.data[3 * matrix + i];
    linear.dtype[i] = group.dtype[3 * matrix + i];
  }
  linear.dim[0] = group.dim[0];
  linear.dim[1] = group.dim[1 + matrix];
  linear.maxRows = group.maxRows;
  return linear;
}

} // namespace sluice
