//===- qwen3_moe_config.cpp - config.json of Qwen3MoeForCausalLM ----------===//
#include "compiler/frontend/qwen3_moe_config.h"

#include "compiler/frontend/rope_config.h"

#include <algorithm>

namespace sluice::frontend {
namespace {

using Json = nlohmann::json;

// Far above every published model, far below what would overflow a product.
constexpr int64_t kMaxVocab = int64_t(1) << 24;
constexpr int64_t kMaxWidth = int64_t(1) << 20;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxHeads = 1024;
constexpr int64_t kMaxHeadDim = 1024;
constexpr int64_t kMaxExperts = 512;
// Positions are converted to f32 for the rotary angles: exact up to 2^24.
constexpr int64_t kMaxPositions = int64_t(1) << 24;

constexpr const char *kArchitecture = "Qwen3MoeForCausalLM";

Status checkArchitecture(const JsonObject &root) {
  const Json *list = root.find("architectures");
  const bool known = list && list->is_array() && list->size() == 1 &&
                     list->front() == kArchitecture;
  if (!known) {
    // An array is described by its first element: that is the culprit.
    const bool one = list && list->is_array() && !list->empty();
    return Status(
        ErrorCode::Unsupported,
        root.where("architectures") +
            (list ? ": found " + describeJson(one ? list->front() : *list)
                  : " is missing") +
            ", expected [\"" + kArchitecture + "\"]");
  }
  SLUICE_ASSIGN_OR_RETURN(const std::string type,
                          root.stringOr("model_type", "qwen3_moe"));
  if (type != "qwen3_moe")
    return root.mismatch("model_type", "'qwen3_moe'", ErrorCode::Unsupported);
  return Status::ok();
}

/// What changes the arithmetic and is not built.
Status refuseUnsupported(const JsonObject &root) {
  for (const char *key : {"quantization_config", "compression_config"})
    if (const Json *value = root.find(key)) {
      const auto method =
          value->is_object() ? value->find("quant_method") : value->end();
      return Status(ErrorCode::Unsupported,
                    root.where(key) + ": found " +
                        (value->is_object() && method != value->end()
                             ? "quantisation " + describeJson(*method)
                             : describeJson(*value)) +
                        ", expected weights in bf16, f16 or f32");
    }
  SLUICE_ASSIGN_OR_RETURN(const std::string act,
                          root.stringOr("hidden_act", "silu"));
  if (act != "silu")
    return root.mismatch("hidden_act", "'silu'", ErrorCode::Unsupported);
  if (const Json *types = root.find("layer_types")) {
    if (!types->is_array())
      return root.mismatch("layer_types", "an array of strings");
    for (const Json &type : *types)
      if (type != "full_attention")
        return Status(ErrorCode::Unsupported,
                      root.where("layer_types") + ": found " +
                          describeJson(type) + ", expected 'full_attention'");
  }
  for (const char *key : {"torch_dtype", "dtype"}) {
    SLUICE_ASSIGN_OR_RETURN(const std::string dtype,
                            root.stringOr(key, "bfloat16"));
    if (dtype != "bfloat16" && dtype != "float16" && dtype != "float32")
      return root.mismatch(key, "'bfloat16', 'float16' or 'float32'",
                           ErrorCode::Unsupported);
  }
  return Status::ok();
}

/// Windows no shorter than the longest sequence mask nothing.
Status refuseSlidingWindow(const JsonObject &root, int64_t maxPositions) {
  SLUICE_ASSIGN_OR_RETURN(const bool used,
                          root.booleanOr("use_sliding_window", false));
  if (!used || !root.has("sliding_window"))
    return Status::ok();
  SLUICE_ASSIGN_OR_RETURN(const int64_t window,
                          root.integer("sliding_window", 0));
  if (window < maxPositions)
    return root.mismatch("sliding_window",
                         "no sliding window (use_sliding_window false)",
                         ErrorCode::Unsupported);
  return Status::ok();
}

/// One value under either of two names; both must agree.
Result<int64_t> integerOfEither(const JsonObject &root, const char *key,
                                const char *other, int64_t least,
                                int64_t most) {
  if (!root.has(other))
    return root.integer(key, least, most);
  SLUICE_ASSIGN_OR_RETURN(const int64_t value,
                          root.integer(other, least, most));
  SLUICE_ASSIGN_OR_RETURN(const int64_t first,
                          root.integerOr(key, value, least, most));
  if (first != value)
    return root.mismatch(key, "the same as " + std::string(other) + ", " +
                                  std::to_string(value));
  return value;
}

Status parseAttention(const JsonObject &root, Qwen3MoeConfig &config) {
  SLUICE_ASSIGN_OR_RETURN(config.heads,
                          root.integer("num_attention_heads", 1, kMaxHeads));
  SLUICE_ASSIGN_OR_RETURN(config.kvHeads,
                          root.integer("num_key_value_heads", 1, kMaxHeads));
  if (config.heads % config.kvHeads != 0)
    return root.mismatch("num_key_value_heads",
                         "a divisor of num_attention_heads, " +
                             std::to_string(config.heads));
  if (root.has("head_dim")) {
    SLUICE_ASSIGN_OR_RETURN(config.headDim,
                            root.integer("head_dim", 2, kMaxHeadDim));
  } else {
    if (config.hidden % config.heads != 0)
      return root.mismatch("num_attention_heads",
                           "a divisor of hidden_size, " +
                               std::to_string(config.hidden) +
                               ", or a head_dim");
    config.headDim = config.hidden / config.heads;
  }
  // Rotary embeddings turn pairs (i, i + head_dim / 2).
  if (config.headDim % 2 != 0 || config.headDim > kMaxHeadDim)
    return Status(
        ErrorCode::Unsupported,
        root.where(root.has("head_dim") ? "head_dim" : "hidden_size") +
            ": found a head dimension of " + std::to_string(config.headDim) +
            ", expected an even number up to " + std::to_string(kMaxHeadDim));
  SLUICE_ASSIGN_OR_RETURN(config.attentionBias,
                          root.booleanOr("attention_bias", false));
  return Status::ok();
}

Status parseExperts(const JsonObject &root, Qwen3MoeConfig &config) {
  SLUICE_ASSIGN_OR_RETURN(config.experts,
                          integerOfEither(root, "num_experts",
                                          "num_local_experts", 1, kMaxExperts));
  SLUICE_ASSIGN_OR_RETURN(config.topK,
                          root.integer("num_experts_per_tok", 1, kMaxExperts));
  if (config.topK > config.experts)
    return root.mismatch("num_experts_per_tok",
                         "at most the number of experts, " +
                             std::to_string(config.experts));
  SLUICE_ASSIGN_OR_RETURN(config.expertInner,
                          root.integer("moe_intermediate_size", 1, kMaxWidth));
  SLUICE_ASSIGN_OR_RETURN(config.normalizeTopK,
                          root.booleanOr("norm_topk_prob", false));

  SLUICE_ASSIGN_OR_RETURN(
      const int64_t step,
      root.integerOr("decoder_sparse_step", 1, 1, kMaxLayers));
  config.sparse.assign(config.layers, true);
  for (int64_t layer = 0; layer < config.layers; ++layer)
    config.sparse[layer] = (layer + 1) % step == 0;
  if (root.has("mlp_only_layers")) {
    SLUICE_ASSIGN_OR_RETURN(
        const std::vector<int64_t> dense,
        root.integers("mlp_only_layers", 0, config.layers - 1));
    for (int64_t layer : dense)
      config.sparse[layer] = false;
  }
  const bool allSparse = std::all_of(config.sparse.begin(), config.sparse.end(),
                                     [](bool sparse) { return sparse; });
  if (!allSparse || root.has("intermediate_size")) {
    SLUICE_ASSIGN_OR_RETURN(config.denseInner,
                            root.integer("intermediate_size", 1, kMaxWidth));
  }
  return Status::ok();
}

/// eos_token_id of one file: absent, an integer or an array of them.
Result<std::vector<int64_t>> endTokens(const JsonObject &object,
                                       int64_t vocab) {
  const Json *value = object.find("eos_token_id");
  std::vector<int64_t> tokens;
  if (!value)
    return tokens;
  if (value->is_array())
    return object.integers("eos_token_id", 0, vocab - 1);
  SLUICE_ASSIGN_OR_RETURN(const int64_t token,
                          object.integer("eos_token_id", 0, vocab - 1));
  tokens.push_back(token);
  return tokens;
}

Status parseStopTokens(const Checkpoint &checkpoint, const JsonObject &root,
                       Qwen3MoeConfig &config) {
  SLUICE_ASSIGN_OR_RETURN(config.stopTokens, endTokens(root, config.vocab));
  if (checkpoint.generationConfig.is_object()) {
    SLUICE_ASSIGN_OR_RETURN(
        const JsonObject generation,
        JsonObject::of(checkpoint.generationConfig,
                       checkpoint.directory + "/generation_config.json"));
    SLUICE_ASSIGN_OR_RETURN(std::vector<int64_t> tokens,
                            endTokens(generation, config.vocab));
    if (!tokens.empty())
      config.stopTokens = std::move(tokens);
  }
  auto &tokens = config.stopTokens;
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return Status::ok();
}

} // namespace

Result<Qwen3MoeConfig> Qwen3MoeConfig::parse(const Checkpoint &checkpoint) {
  SLUICE_ASSIGN_OR_RETURN(
      const JsonObject root,
      JsonObject::of(checkpoint.config, checkpoint.directory + "/config.json"));
  SLUICE_RETURN_IF_ERROR(checkArchitecture(root));
  SLUICE_RETURN_IF_ERROR(refuseUnsupported(root));

  Qwen3MoeConfig config;
  SLUICE_ASSIGN_OR_RETURN(config.vocab,
                          root.integer("vocab_size", 1, kMaxVocab));
  SLUICE_ASSIGN_OR_RETURN(config.hidden,
                          root.integer("hidden_size", 1, kMaxWidth));
  SLUICE_ASSIGN_OR_RETURN(config.layers,
                          root.integer("num_hidden_layers", 1, kMaxLayers));
  SLUICE_ASSIGN_OR_RETURN(
      config.maxPositions,
      root.integer("max_position_embeddings", 1, kMaxPositions));
  SLUICE_RETURN_IF_ERROR(parseAttention(root, config));
  SLUICE_RETURN_IF_ERROR(parseExperts(root, config));
  SLUICE_RETURN_IF_ERROR(refuseSlidingWindow(root, config.maxPositions));

  SLUICE_ASSIGN_OR_RETURN(const double eps, root.number("rms_norm_eps"));
  config.rmsNormEps = static_cast<float>(eps);
  // Written so that NaN fails; below f32's smallest number eps would be zero.
  if (!(config.rmsNormEps > 0.0f && eps < 1.0))
    return root.mismatch("rms_norm_eps", "a number above 0 and below 1");
  SLUICE_ASSIGN_OR_RETURN(config.tiedEmbeddings,
                          root.booleanOr("tie_word_embeddings", false));
  SLUICE_ASSIGN_OR_RETURN(config.rope, parseRope(root, config.maxPositions));
  SLUICE_RETURN_IF_ERROR(parseStopTokens(checkpoint, root, config));
  return config;
}

} // namespace sluice::frontend
