//===- qwen3_moe_config_test.cpp - Configurations good and bad ------------===//
#include "compiler/frontend/qwen3_moe_config.h"

#include "tests/runtime/io/checkpoint_builder.h"

#include <functional>
#include <gtest/gtest.h>

namespace sluice::frontend {
namespace {

using Json = nlohmann::json;
using sluice::testing::CheckpointBuilder;
using sluice::testing::expectLine;

/// Parses the good configuration after `change`.
Result<Qwen3MoeConfig> parse(const std::function<void(Json &)> &change,
                             const Json &generation = nullptr) {
  Checkpoint checkpoint;
  checkpoint.directory = "/models/m";
  checkpoint.config = CheckpointBuilder().config;
  checkpoint.generationConfig = generation;
  change(checkpoint.config);
  return Qwen3MoeConfig::parse(checkpoint);
}

TEST(Qwen3MoeConfig, ReadsEverything) {
  auto config = parse([](Json &) {});
  ASSERT_TRUE(config) << config.status().message();
  EXPECT_EQ(config->vocab, 101);
  EXPECT_EQ(config->hidden, 40);
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->heads, 4);
  EXPECT_EQ(config->kvHeads, 2);
  EXPECT_EQ(config->headDim, 8);
  EXPECT_EQ(config->denseInner, 24);
  EXPECT_EQ(config->expertInner, 17);
  EXPECT_EQ(config->experts, 3);
  EXPECT_EQ(config->topK, 2);
  EXPECT_EQ(config->maxPositions, 512);
  EXPECT_FLOAT_EQ(config->rmsNormEps, 1e-6f);
  EXPECT_TRUE(config->normalizeTopK);
  EXPECT_FALSE(config->tiedEmbeddings);
  EXPECT_FALSE(config->attentionBias);
  EXPECT_EQ(config->sparse, (std::vector<bool>{false, true}));
  EXPECT_EQ(config->stopTokens, (std::vector<int64_t>{100}));
  EXPECT_EQ(config->rope.type, RopeType::Default);
  EXPECT_EQ(config->rope.theta, 10000.0);
}

TEST(Qwen3MoeConfig, ReadsTheKeysOfTransformers5) {
  auto config = parse([](Json &c) {
    c["num_local_experts"] = c["num_experts"];
    c.erase("num_experts");
    c["dtype"] = c["torch_dtype"];
    c.erase("torch_dtype");
    c.erase("rope_scaling");
    c.erase("rope_theta");
    c["rope_parameters"] = {
        {"rope_type", "linear"}, {"rope_theta", 5e5}, {"factor", 2}};
    c.erase("head_dim"); // 40 / 4 = 10
  });
  ASSERT_TRUE(config) << config.status().message();
  EXPECT_EQ(config->experts, 3);
  EXPECT_EQ(config->headDim, 10);
  EXPECT_EQ(config->rope.type, RopeType::Linear);
  EXPECT_EQ(config->rope.theta, 5e5);
  EXPECT_EQ(config->rope.factor, 2.0);
}

TEST(Qwen3MoeConfig, AcceptsWhatChangesNothing) {
  const std::function<void(Json &)> changes[] = {
      [](Json &c) { c["sliding_window"] = 4096; },
      [](Json &c) {
        c["use_sliding_window"] = true; // null window
      },
      [](Json &c) {
        c["use_sliding_window"] = true;
        c["sliding_window"] = 512;
      },
      [](Json &c) { c["layer_types"] = {"full_attention"}; },
      [](Json &c) { c["quantization_config"] = nullptr; },
      [](Json &c) { c["partial_rotary_factor"] = 1.0; },
      [](Json &c) { c["num_local_experts"] = 3; },
      [](Json &c) { c.erase("model_type"); },
      [](Json &c) { c["some_new_key"] = {{"a", 1}}; },
      [](Json &c) {
        c.erase("intermediate_size");
        c["decoder_sparse_step"] = 1;
      },
      [](Json &c) { c["rope_scaling"] = {{"rope_type", "default"}}; },
  };
  int number = 0;
  for (const auto &change : changes) {
    SCOPED_TRACE(number++);
    auto config = parse(change);
    EXPECT_TRUE(config) << config.status().message();
  }
}

TEST(Qwen3MoeConfig, FindsTheDenseLayers) {
  auto config = parse([](Json &c) {
    c["num_hidden_layers"] = 6;
    c["decoder_sparse_step"] = 2;
    c["mlp_only_layers"] = {3, 0};
  });
  ASSERT_TRUE(config);
  EXPECT_EQ(config->sparse,
            (std::vector<bool>{false, true, false, false, false, true}));
}

TEST(Qwen3MoeConfig, PrefersTheEndTokensOfGeneration) {
  auto tokens = [](const Json &generation, const Json &own) {
    auto config = parse([&](Json &c) { c["eos_token_id"] = own; }, generation);
    EXPECT_TRUE(config) << config.status().message();
    return config ? config->stopTokens : std::vector<int64_t>{-1};
  };
  using Tokens = std::vector<int64_t>;
  EXPECT_EQ(tokens({{"eos_token_id", {7, 5, 7}}}, 9), (Tokens{5, 7}));
  EXPECT_EQ(tokens({{"eos_token_id", 7}}, 9), (Tokens{7}));
  EXPECT_EQ(tokens({{"do_sample", true}}, {9, 8}), (Tokens{8, 9}));
  EXPECT_EQ(tokens(nullptr, nullptr), Tokens{});
}

TEST(Qwen3MoeConfig, RefusesTheRestByName) {
  struct Bad {
    const char *key; ///< Must be in the message.
    Json value;
    const char *says;
  };
  const double kInf = std::numeric_limits<double>::infinity();
  const double kNan = std::numeric_limits<double>::quiet_NaN();
  const Json kErase = "<erase>";
  const Bad cases[] = {
      {"architectures", {"LlamaForCausalLM"}, "'LlamaForCausalLM'"},
      {"architectures", {"Qwen2MoeForCausalLM"}, "'Qwen2MoeForCausalLM'"},
      {"architectures", Json::array(), "an array of 0 values"},
      {"architectures", "Qwen3MoeForCausalLM", "the string"},
      {"architectures", kErase, "is missing"},
      {"model_type", "qwen2_moe", "'qwen3_moe'"},
      {"quantization_config", {{"quant_method", "fp8"}}, "'fp8'"},
      {"quantization_config", {{"bits", 4}}, "an object of 1 keys"},
      {"quantization_config", "awq", "'awq'"},
      {"hidden_act", "gelu", "expected 'silu'"},
      {"torch_dtype", "float8_e4m3fn", "'float8_e4m3fn'"},
      {"dtype", 16, "found 16"},
      {"layer_types",
       {"full_attention", "sliding_attention"},
       "'sliding_attention'"},
      {"vocab_size", 0, "found 0"},
      {"vocab_size", -5, "found -5"},
      {"vocab_size", "101", "the string '101'"},
      {"vocab_size", 101.0, "found 101.0"},
      {"vocab_size", 1000000000000, "found 1000000000000"},
      {"vocab_size", 18446744073709551615u, "found 18446744073709551615"},
      {"vocab_size", kErase, "is missing"},
      {"hidden_size", 0, "found 0"},
      {"hidden_size", 2000000, "found 2000000"},
      {"hidden_size", true, "found true"},
      {"num_hidden_layers", 0, "found 0"},
      {"num_hidden_layers", 100000, "found 100000"},
      {"num_attention_heads", 0, "found 0"},
      {"num_attention_heads", {4}, "an array of 1 values"},
      {"num_key_value_heads", 3, "a divisor of num_attention_heads, 4"},
      {"num_key_value_heads", 8, "a divisor of num_attention_heads, 4"},
      {"num_key_value_heads", kErase, "is missing"},
      {"head_dim", 7, "an even number"},
      {"head_dim", 0, "found 0"},
      {"head_dim", 65536, "found 65536"},
      {"attention_bias", 1, "true or false"},
      {"num_experts", 0, "found 0"},
      {"num_experts", 513, "from 1 to 512"},
      {"num_experts", kErase, "is missing"},
      {"num_local_experts", 4, "the same as num_local_experts, 4"},
      {"num_experts_per_tok", 4, "at most the number of experts, 3"},
      {"num_experts_per_tok", 0, "found 0"},
      {"moe_intermediate_size", 0, "found 0"},
      {"intermediate_size", -1, "found -1"},
      {"intermediate_size", kErase, "is missing"},
      {"norm_topk_prob", "yes", "the string 'yes'"},
      {"decoder_sparse_step", 0, "found 0"},
      {"mlp_only_layers", {2}, "[0]: found 2"},
      {"mlp_only_layers", {0, -1}, "[1]: found -1"},
      {"mlp_only_layers", 1, "found 1"},
      {"use_sliding_window", "no", "true or false"},
      {"max_position_embeddings", 0, "found 0"},
      {"max_position_embeddings", 1 << 25, "found 33554432"},
      {"rms_norm_eps", -1e-6, "found -1e-06"},
      {"rms_norm_eps", 0.0, "found 0.0"},
      {"rms_norm_eps", 1e-60, "found 1e-60"},
      {"rms_norm_eps", kNan, "above 0"},
      {"rms_norm_eps", kInf, "above 0"},
      {"rms_norm_eps", "1e-6", "the string '1e-6'"},
      {"rms_norm_eps", 1, "below 1"},
      {"tie_word_embeddings", 0, "true or false"},
      {"eos_token_id", 101, "from 0 to 100"},
      {"eos_token_id", {5, -1}, "[1]: found -1"},
      {"eos_token_id", "</s>", "'</s>'"},
      {"rope_theta", 0, "above 1"},
      {"rope_theta", -10000.0, "above 1"},
      {"rope_theta", kInf, "above 1"},
      {"rope_theta", "1e6", "the string '1e6'"},
      {"partial_rotary_factor", 0.5, "expected 1"},
      {"rope_scaling", "yarn", "expected an object"},
      {"rope_scaling.rope_type",
       {{"rope_type", "dynamic"}, {"factor", 2}},
       "'dynamic'"},
      {"rope_scaling.rope_type", {{"rope_type", "llama3"}}, "'llama3'"},
      {"rope_scaling.type", {{"type", "su"}}, "'su'"},
      {"rope_scaling.rope_type", {{"rope_type", 3}}, "found 3"},
      {"rope_scaling.type",
       {{"rope_type", "yarn"}, {"type", "linear"}},
       "'linear'"},
      {"rope_scaling.mrope_section",
       {{"type", "default"}, {"mrope_section", {1, 2}}},
       "a key that Sluice does not know"},
      {"rope_scaling.factor", {{"rope_type", "linear"}}, "is missing"},
      {"rope_scaling.factor",
       {{"rope_type", "linear"}, {"factor", 0}},
       "found 0"},
      {"rope_scaling.factor",
       {{"rope_type", "linear"}, {"factor", "2"}},
       "the string '2'"},
      {"rope_scaling.factor",
       {{"rope_type", "yarn"}, {"factor", -4.0}},
       "found -4.0"},
      {"rope_scaling.factor",
       {{"rope_type", "yarn"}, {"factor", kInf}},
       "from 1 to 1e6"},
      {"rope_scaling.beta_fast",
       {{"rope_type", "yarn"}, {"factor", 2}, {"beta_fast", 0.5}},
       "at least beta_slow"},
      {"rope_scaling.beta_slow",
       {{"rope_type", "yarn"}, {"factor", 2}, {"beta_slow", -1}},
       "found -1"},
      {"rope_scaling.attention_factor",
       {{"rope_type", "yarn"}, {"factor", 2}, {"attention_factor", "1"}},
       "the string '1'"},
      {"rope_scaling.original_max_position_embeddings",
       {{"rope_type", "yarn"},
        {"factor", 2},
        {"original_max_position_embeddings", 0}},
       "found 0"},
      {"rope_scaling.truncate",
       {{"rope_type", "yarn"}, {"factor", 2}, {"truncate", 1}},
       "true or false"},
      {"rope_scaling.rope_theta",
       {{"type", "default"}, {"rope_theta", 5e5}},
       "rope_theta of the top level"},
      {"rope_scaling.partial_rotary_factor",
       {{"type", "default"}, {"partial_rotary_factor", 0.25}},
       "found 0.25"},
  };
  for (const Bad &bad : cases) {
    const std::string key(bad.key);
    const std::string top = key.substr(0, key.find('.'));
    SCOPED_TRACE(key + " = " + bad.value.dump());
    auto config = parse([&](Json &c) {
      c[top] = bad.value;
      if (bad.value == kErase)
        c.erase(top);
    });
    ASSERT_FALSE(config);
    // num_local_experts contradicts num_experts, which is the one named first.
    expectLine(config.status().message(),
               {"/models/m/config.json: ",
                key == "num_local_experts" ? "num_experts" : bad.key,
                bad.says});
  }
}

TEST(Qwen3MoeConfig, RefusesCombinationsByName) {
  auto refused = [](const std::function<void(Json &)> &change,
                    std::initializer_list<std::string_view> says,
                    const Json &generation = nullptr) {
    auto config = parse(change, generation);
    ASSERT_FALSE(config);
    expectLine(config.status().message(), says);
  };
  refused(
      [](Json &c) {
        c.erase("head_dim");
        c["num_attention_heads"] = 6;
      },
      {"num_attention_heads", "found 6", "a divisor of hidden_size, 40"});
  refused(
      [](Json &c) {
        c.erase("head_dim");
        c["num_attention_heads"] = 8; // 40 / 8 = 5
      },
      {"hidden_size", "a head dimension of 5", "an even number"});
  refused(
      [](Json &c) {
        c["use_sliding_window"] = true;
        c["sliding_window"] = 128;
      },
      {"sliding_window", "found 128", "use_sliding_window false"});
  refused(
      [](Json &c) {
        c["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
        c["rope_parameters"] = {{"type", "linear"}, {"factor", 3}};
      },
      {"rope_scaling", "differs from rope_parameters"});
  refused([](Json &) {}, {"generation_config.json: eos_token_id", "found 500"},
          {{"eos_token_id", 500}});
}

} // namespace
} // namespace sluice::frontend
