//===- theory.h - What n batches in a step should bring ---------*- C++ -*-===//
//
// The multi-batch argument in closed form, with nothing of a model resident:
// n batches of one token each route to k of E experts a layer, uniformly and
// independently. A step moves each expert of their union once, while the
// attentions of the n batches run one after the other beside the transfers.
//
//   unique experts   U(n) = E (1 - (1 - k/E)^n)
//   layer time       T(n) = max(n t_attn, U(n) t_io)
//   tokens a second  n / (layers T(n))
//   speed-up         n T(1) / T(n)
//
// U is the expectation of a union of random k-subsets; T is the bound of
// Klotski's schedule (arXiv 2502.06888) in which one side always works: the
// slower of the bus and the attentions sets the pace. Gates, experts' own
// compute and bubbles are left out, so T(n) is a floor and the speed-up that of
// two perfect schedules.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/core/status.h"

#include <cstdint>

namespace sluice::tools {

/// A model and a machine, as far as the argument needs them. The defaults are
/// Qwen3-30B-A3B in bf16: an expert of 9.44 MB over a bus of 24.4 GB/s.
struct MultiBatchModel {
  uint32_t experts = 128;     ///< E, of a layer.
  uint32_t topK = 8;          ///< k, of a token.
  uint32_t layers = 48;       ///< Layers with experts.
  double expertIoMs = 0.387;  ///< t_io: one expert over the bus.
  double attentionMs = 0.024; ///< t_attn: one batch's attention in a layer.

  /// InvalidArgument names the flag: E and layers from 1, k from 1 to E, times
  /// finite and above 0.
  Status validate() const;
};

/// One line of the table.
struct MultiBatchRow {
  uint32_t batches;       ///< n, from 1.
  double uniqueExperts;   ///< U(n).
  double ioMs;            ///< U(n) t_io, of a layer.
  double attentionMs;     ///< n t_attn, of a layer.
  double layerMs;         ///< T(n).
  double tokensPerSecond; ///< Of all batches together.
  double speedup;         ///< Over n = 1.
};

/// U(n). `topK` is at most `experts`, both at least 1.
double expectedUniqueExperts(uint32_t experts, uint32_t topK, uint32_t batches);

/// The line of n = `batches`. `model` is valid.
MultiBatchRow multiBatch(const MultiBatchModel &model, uint32_t batches);

} // namespace sluice::tools
