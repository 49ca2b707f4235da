//===- checkpoint_builder.cpp - Small checkpoints without bytes -----------===//
#include "tests/runtime/io/checkpoint_builder.h"

namespace sluice::testing {

using Json = nlohmann::json;

CheckpointBuilder::CheckpointBuilder() {
  config = Json::parse(R"({
    "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe",
    "attention_bias": false, "decoder_sparse_step": 2, "eos_token_id": 100,
    "head_dim": 8, "hidden_act": "silu", "hidden_size": 40,
    "intermediate_size": 24, "max_position_embeddings": 512,
    "mlp_only_layers": [], "moe_intermediate_size": 17,
    "norm_topk_prob": true, "num_attention_heads": 4, "num_experts": 3,
    "num_experts_per_tok": 2, "num_hidden_layers": 2,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_scaling": null,
    "rope_theta": 10000.0, "tie_word_embeddings": false,
    "torch_dtype": "bfloat16", "use_sliding_window": false,
    "sliding_window": null, "vocab_size": 101})");
  describeTensors();
}

void CheckpointBuilder::describeTensors(bool fused) {
  tensors.clear();
  auto size = [&](const char *key) { return config[key].get<int64_t>(); };
  auto add = [&](const std::string &name, std::vector<int64_t> shape) {
    tensors[name] = {"BF16", std::move(shape)};
  };
  const int64_t hidden = size("hidden_size"), vocab = size("vocab_size");
  const int64_t dim = size("head_dim");
  const int64_t q = size("num_attention_heads") * dim;
  const int64_t kv = size("num_key_value_heads") * dim;
  const int64_t inner = size("moe_intermediate_size");
  const int64_t experts = size(
      config.contains("num_experts") ? "num_experts" : "num_local_experts");
  add("model.embed_tokens.weight", {vocab, hidden});
  add("model.norm.weight", {hidden});
  if (!config["tie_word_embeddings"].get<bool>())
    add("lm_head.weight", {vocab, hidden});
  for (int64_t layer = 0; layer < size("num_hidden_layers"); ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    add(prefix + "input_layernorm.weight", {hidden});
    add(prefix + "post_attention_layernorm.weight", {hidden});
    add(prefix + "self_attn.q_norm.weight", {dim});
    add(prefix + "self_attn.k_norm.weight", {dim});
    auto project = [&](const char *name, int64_t out, int64_t in) {
      add(prefix + "self_attn." + name + ".weight", {out, in});
      if (config["attention_bias"].get<bool>())
        add(prefix + "self_attn." + name + ".bias", {out});
    };
    project("q_proj", q, hidden);
    project("k_proj", kv, hidden);
    project("v_proj", kv, hidden);
    project("o_proj", hidden, q);
    bool dense = (layer + 1) % size("decoder_sparse_step") != 0;
    for (const Json &index : config["mlp_only_layers"])
      dense = dense || index.get<int64_t>() == layer;
    auto feedForward = [&](const std::string &at, int64_t width) {
      add(at + "gate_proj.weight", {width, hidden});
      add(at + "up_proj.weight", {width, hidden});
      add(at + "down_proj.weight", {hidden, width});
    };
    if (dense) {
      feedForward(prefix + "mlp.", size("intermediate_size"));
      continue;
    }
    add(prefix + "mlp.gate.weight", {experts, hidden});
    if (fused) {
      add(prefix + "mlp.experts.gate_up_proj", {experts, 2 * inner, hidden});
      add(prefix + "mlp.experts.down_proj", {experts, hidden, inner});
      continue;
    }
    for (int64_t expert = 0; expert < experts; ++expert)
      feedForward(prefix + "mlp.experts." + std::to_string(expert) + ".",
                  inner);
  }
}

void CheckpointBuilder::shard(int count) {
  int next = 0;
  for (auto &[name, tensor] : tensors) {
    char text[64];
    std::snprintf(text, sizeof(text), "model-%05d-of-%05d.safetensors",
                  next + 1, count);
    tensor.shard = text;
    next = (next + 1) % count;
  }
}

Json CheckpointBuilder::index() const {
  Json map = Json::object();
  for (const auto &[name, tensor] : tensors)
    map[name] = tensor.shard;
  return {{"metadata", {{"total_size", 0}}}, {"weight_map", map}};
}

void CheckpointBuilder::write(const TemporaryDirectory &folder) const {
  folder.write("config.json", config.dump());
  if (!generation.is_null())
    folder.write("generation_config.json", generation.dump());
  struct Shard {
    std::string json;
    uint64_t bytes = 0;
  };
  std::map<std::string, Shard> shards;
  for (const auto &[name, tensor] : tensors) {
    Shard &shard = shards[tensor.shard];
    const auto type = storageTypeFromName(tensor.dtype);
    uint64_t bytes = type ? byteSize(*type) : 1;
    for (int64_t dim : tensor.shape)
      bytes *= static_cast<uint64_t>(dim);
    shard.json += shard.json.empty() ? "{" : ",";
    shard.json += Json(name).dump() + ":" +
                  Json({{"dtype", tensor.dtype},
                        {"shape", tensor.shape},
                        {"data_offsets", {shard.bytes, shard.bytes + bytes}}})
                      .dump();
    shard.bytes += bytes;
  }
  for (auto &[name, shard] : shards) {
    shard.json += "}";
    std::string start(8, '\0');
    for (int i = 0; i < 8; ++i)
      start[i] = static_cast<char>(shard.json.size() >> (8 * i));
    start += shard.json;
    folder.write(name, start, start.size() + shard.bytes);
  }
  if (!shards.count("model.safetensors"))
    folder.write("model.safetensors.index.json", index().dump());
}

} // namespace sluice::testing
