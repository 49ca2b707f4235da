//===- tiny_model.h - A whole MoE model as a plan written by hand *- C++
//-*-===//
#pragma once

#include "tests/runtime/plan/plan_writer.h"

namespace sluice::testing {

/// Sizes of the model: one layer, everything that a Qwen3-MoE layer has.
struct TinyModel {
  uint32_t hidden = 16, heads = 2, kvHeads = 1, headDim = 8, vocab = 24;
  uint32_t experts = 4, topK = 2, inner = 8;
  uint32_t sequences = 2, maxPositions = 32, pageTokens = 16, pages = 4,
           pagesPerSequence = 2;
  uint32_t prefillRows = 8;
  fb::DType activations = fb::DType::F32;
};

struct TinyPlan {
  fb::PlanT plan;
  std::string checkpoint; ///< The contents of model.safetensors.
};

/// The plan, valid as it is, with both entries and routing recorded, and its
/// checkpoint. model_dir is "/nowhere".
TinyPlan makeTinyPlan(const TinyModel &model = {});

/// A plan without attention or experts that one can compute in one's head:
/// logits = linear(embed(token)).
TinyPlan makeBigramPlan(uint32_t vocab, uint32_t hidden);

} // namespace sluice::testing
