//===- qwen3_moe_config.h - config.json of Qwen3MoeForCausalLM --*- C++ -*-===//
#pragma once

#include "compiler/frontend/checkpoint.h"
#include "compiler/frontend/rope.h"
#include "runtime/core/status.h"

#include <cstdint>
#include <vector>

namespace sluice::frontend {

/// Everything the configuration of a Qwen3MoeForCausalLM says that changes
/// what is computed, checked. Field names are Sluice's; the comments give the
/// keys.
struct Qwen3MoeConfig {
  /// Reads config.json and the end tokens of generation_config.json. Keys of
  /// both generations are known (num_experts or num_local_experts, torch_dtype
  /// or dtype, rope_theta at top level or in rope_parameters). Whatever Sluice
  /// cannot run is refused by name.
  static Result<Qwen3MoeConfig> parse(const Checkpoint &checkpoint);

  int64_t vocab = 0;           ///< vocab_size
  int64_t hidden = 0;          ///< hidden_size
  int64_t layers = 0;          ///< num_hidden_layers
  int64_t heads = 0;           ///< num_attention_heads
  int64_t kvHeads = 0;         ///< num_key_value_heads
  int64_t headDim = 0;         ///< head_dim, or hidden_size / heads
  int64_t denseInner = 0;      ///< intermediate_size, of dense layers; may be 0
  int64_t expertInner = 0;     ///< moe_intermediate_size
  int64_t experts = 0;         ///< num_experts or num_local_experts
  int64_t topK = 0;            ///< num_experts_per_tok
  int64_t maxPositions = 0;    ///< max_position_embeddings
  float rmsNormEps = 0;        ///< rms_norm_eps
  bool normalizeTopK = false;  ///< norm_topk_prob
  bool tiedEmbeddings = false; ///< tie_word_embeddings
  bool attentionBias = false;  ///< attention_bias
  RopeConfig rope;
  /// One a layer: mixture of experts (true) or dense MLP (false), from
  /// mlp_only_layers and decoder_sparse_step.
  std::vector<bool> sparse;
  /// End tokens, ascending, without repetition: generation_config.json's when
  /// it says any, else config.json's.
  std::vector<int64_t> stopTokens;
};

} // namespace sluice::frontend
