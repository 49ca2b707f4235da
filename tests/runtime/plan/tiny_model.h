//===- tiny_model.h - A whole MoE model as a plan written by hand *- C++
//-*-===//
#pragma once

#include "tests/runtime/plan/plan_writer.h"

namespace sluice::testing {

/// Sizes of the model: every layer has all that a Qwen3-MoE layer has.
struct TinyModel {
  uint32_t layers = 1;
  uint32_t hidden = 16, heads = 2, kvHeads = 1, headDim = 8, vocab = 24;
  uint32_t experts = 4, topK = 2, inner = 8;
  uint32_t sequences = 2, maxPositions = 32, pageTokens = 16, pages = 4,
           pagesPerSequence = 2;
  uint32_t prefillRows = 8;
  fb::DType activations = fb::DType::F32;
};

/// How the experts of a plan move that does not hold all of them in slots. The
/// defaults use every instruction there is.
struct TinyExperts {
  uint32_t slots = 3;
  uint32_t parts = 1;       ///< Of every demand.
  bool all = false;         ///< Every expert of the layer is demanded.
  bool forget = false;      ///< Releases drop what the layer brought.
  bool split = true;        ///< The host computes some of the missing experts,
  float share = 0.5f;       ///< so much of their bytes.
  uint32_t prefetch = 1;    ///< Limit of a prefetch; 0: none.
  bool graphs = true;       ///< Attention and router of a layer are a graph.
  uint64_t waveBytes = 800; ///< Two experts a wave.
  float diskCost = 1;       ///< Of a miss from the disk over one from memory.
  /// The homes of the experts in turn: bank after bank, around and around.
  std::vector<fb::Home> homes = {fb::Home::Host, fb::Home::Disk};
  /// Bank b starts with resident[b] in slots; nothing where it ends.
  std::vector<std::vector<uint32_t>> resident = {{0}, {1}};
  uint8_t policy = 0;
};

struct TinyPlan {
  fb::PlanT plan;
  std::string checkpoint; ///< The contents of model.safetensors.
};

/// The plan, valid as it is, with both entries and routing recorded, and its
/// checkpoint. All experts are in slots. model_dir is "/nowhere".
TinyPlan makeTinyPlan(const TinyModel &model = {});

/// The same model with the same weights as makeTinyPlan(model), so the same
/// logits, as a plan that moves its experts. A bank a layer, one pool.
TinyPlan makeTinyDynamicPlan(const TinyModel &model = {.layers = 2},
                             const TinyExperts &experts = {});

/// A plan without attention or experts that one can compute in one's head:
/// logits = linear(embed(token)).
TinyPlan makeBigramPlan(uint32_t vocab, uint32_t hidden);

} // namespace sluice::testing
