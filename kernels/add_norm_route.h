//===- add_norm_route.h - A router's launch as its parts --------*- C++ -*-===//
//
// What add_norm_route is defined by: a residual sum and its norm, the product
// of the norm with the router's matrix, and the choice by what that gives, each
// as a launch of its own. Every backend, and whoever checks them, takes it
// apart here.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "kernels/kernel.h"

namespace sluice {

/// The launches that an add_norm_route stands for, in order, on the same
/// memory; each reads what the one in front of it writes.
struct AddNormRouteParts {
  KernelArgs norm;   ///< add_rms_norm,
  KernelArgs linear; ///< linear without a bias, to f32,
  KernelArgs route;  ///< and route.
};

inline AddNormRouteParts partsOfAddNormRoute(const KernelArgs &all) {
  enum { A, B, NormWeight, RouterWeight, Sum, Out, Logits, Ids, Weights };
  enum { Hidden, Experts, TopK, Normalize };
  auto take = [&all](KernelArgs &part, int operand, int from) {
    part.data[operand] = all.data[from];
    part.dtype[operand] = all.dtype[from];
  };
  AddNormRouteParts parts;
  parts.norm.maxRows = parts.linear.maxRows = parts.route.maxRows = all.maxRows;
  take(parts.norm, 0, A);
  take(parts.norm, 1, B);
  take(parts.norm, 2, NormWeight);
  take(parts.norm, 3, Sum);
  take(parts.norm, 4, Out);
  parts.norm.dim[0] = all.dim[Hidden];
  parts.norm.scalar[0] = all.scalar[0];
  take(parts.linear, 0, Out);
  take(parts.linear, 1, RouterWeight);
  take(parts.linear, 3, Logits); // 2 is the bias, which there is none of
  parts.linear.dim[0] = all.dim[Hidden];
  parts.linear.dim[1] = all.dim[Experts];
  take(parts.route, 0, Logits);
  take(parts.route, 1, Ids);
  take(parts.route, 2, Weights);
  parts.route.dim[0] = all.dim[Experts];
  parts.route.dim[1] = all.dim[TopK];
  parts.route.dim[2] = all.dim[Normalize];
  return parts;
}

} // namespace sluice
