//===- qwen3_moe_tensors_test.cpp - Every tensor once, or by name ---------===//
#include "compiler/frontend/qwen3_moe_tensors.h"

#include "tests/runtime/io/checkpoint_builder.h"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

namespace sluice::frontend {
namespace {

using sluice::testing::CheckpointBuilder;
using sluice::testing::expectLine;
using sluice::testing::TemporaryDirectory;

/// A written, opened and parsed checkpoint.
struct Opened {
  explicit Opened(const CheckpointBuilder &builder) {
    builder.write(folder);
    auto opened = Checkpoint::open(folder.path());
    EXPECT_TRUE(opened) << opened.status().message();
    if (!opened)
      return;
    checkpoint = std::move(*opened);
    auto parsed = Qwen3MoeConfig::parse(checkpoint);
    EXPECT_TRUE(parsed) << parsed.status().message();
    if (parsed)
      config = std::move(*parsed);
  }
  Result<Qwen3MoeTensors> bind() const {
    return Qwen3MoeTensors::bind(checkpoint, config);
  }

  TemporaryDirectory folder;
  Checkpoint checkpoint;
  Qwen3MoeConfig config;
};

bool sameRange(const FileRange &range, const CheckpointTensor &tensor) {
  return range.file == tensor.file && range.offset == tensor.offset &&
         range.bytes == tensor.bytes;
}

TEST(Qwen3MoeTensors, BindsExpertsStoredOneByOne) {
  CheckpointBuilder builder;
  builder.shard(3);
  Opened opened(builder);
  auto tensors = opened.bind();
  ASSERT_TRUE(tensors) << tensors.status().message();
  EXPECT_EQ(tensors->head->name, "lm_head.weight");
  EXPECT_EQ(tensors->embedding->name, "model.embed_tokens.weight");
  ASSERT_EQ(tensors->layers.size(), 2u);
  const LayerTensors &dense = tensors->layers[0];
  EXPECT_EQ(dense.down->name, "model.layers.0.mlp.down_proj.weight");
  EXPECT_EQ(dense.router, nullptr);
  EXPECT_TRUE(dense.bank.experts.empty());
  EXPECT_EQ(dense.qBias, nullptr);
  const LayerTensors &sparse = tensors->layers[1];
  EXPECT_EQ(sparse.gate, nullptr);
  EXPECT_EQ(sparse.router->name, "model.layers.1.mlp.gate.weight");
  EXPECT_EQ(sparse.bank.tensor, "model.layers.1.mlp.experts");
  EXPECT_EQ(sparse.bank.dtype, StorageType::BF16);
  ASSERT_EQ(sparse.bank.experts.size(), 3u);
  auto named = [&](const char *name) {
    return *opened.checkpoint.find(
        std::string("model.layers.1.mlp.experts.2.") + name);
  };
  EXPECT_TRUE(
      sameRange(sparse.bank.experts[2].gate, named("gate_proj.weight")));
  EXPECT_TRUE(sameRange(sparse.bank.experts[2].up, named("up_proj.weight")));
  EXPECT_TRUE(
      sameRange(sparse.bank.experts[2].down, named("down_proj.weight")));
  uint64_t elements = 0;
  for (const CheckpointTensor &tensor : opened.checkpoint.tensors)
    elements += tensor.bytes / 2;
  EXPECT_EQ(tensors->parameters, elements);
}

TEST(Qwen3MoeTensors, BindsFusedExperts) {
  CheckpointBuilder builder;
  builder.describeTensors(/*fused=*/true);
  Opened opened(builder);
  auto tensors = opened.bind();
  ASSERT_TRUE(tensors) << tensors.status().message();
  const ExpertBank &bank = tensors->layers[1].bank;
  const auto *gateUp =
      opened.checkpoint.find("model.layers.1.mlp.experts.gate_up_proj");
  const auto *down =
      opened.checkpoint.find("model.layers.1.mlp.experts.down_proj");
  const uint64_t part = 17 * 40 * 2;
  for (uint64_t expert = 0; expert < 3; ++expert) {
    const ExpertRanges &ranges = bank.experts[expert];
    EXPECT_EQ(ranges.gate.offset, gateUp->offset + 2 * expert * part);
    EXPECT_EQ(ranges.up.offset, gateUp->offset + (2 * expert + 1) * part);
    EXPECT_EQ(ranges.down.offset, down->offset + expert * part);
    for (const FileRange *range : {&ranges.gate, &ranges.up, &ranges.down})
      EXPECT_EQ(range->bytes, part);
  }
  EXPECT_EQ(bank.experts[2].up.offset + part, gateUp->offset + gateUp->bytes);
}

TEST(Qwen3MoeTensors, BindsBiasesAndMixedTypes) {
  CheckpointBuilder builder;
  builder.config["attention_bias"] = true;
  builder.describeTensors();
  builder.tensors["model.norm.weight"].dtype = "F32";
  builder.tensors["model.layers.1.mlp.gate.weight"].dtype = "F16";
  Opened opened(builder);
  auto tensors = opened.bind();
  ASSERT_TRUE(tensors) << tensors.status().message();
  EXPECT_EQ(tensors->layers[1].oBias->name,
            "model.layers.1.self_attn.o_proj.bias");
  EXPECT_EQ(tensors->finalNorm->dtype, StorageType::F32);
}

TEST(Qwen3MoeTensors, TiedHeadsAreTheEmbedding) {
  CheckpointBuilder builder;
  builder.config["tie_word_embeddings"] = true;
  builder.describeTensors();
  Opened plain(builder);
  auto tensors = plain.bind();
  ASSERT_TRUE(tensors) << tensors.status().message();
  EXPECT_EQ(tensors->head, tensors->embedding);
  EXPECT_TRUE(tensors->ignored.empty());

  builder.tensors["lm_head.weight"] = {"BF16", {101, 40}};
  Opened twice(builder);
  auto both = twice.bind();
  ASSERT_TRUE(both) << both.status().message();
  EXPECT_EQ(both->head, both->embedding);
  ASSERT_EQ(both->ignored.size(), 1u);
  EXPECT_EQ(both->ignored[0]->name, "lm_head.weight");
  EXPECT_EQ(both->parameters, tensors->parameters);
}

TEST(Qwen3MoeTensors, RefusesTheRestByName) {
  using Builder = CheckpointBuilder;
  struct Bad {
    const char *name;
    std::function<void(Builder &)> damage;
    std::initializer_list<std::string_view> says;
  };
  auto erase = [](const char *name) {
    return [=](Builder &b) { ASSERT_EQ(b.tensors.erase(name), 1u); };
  };
  auto set = [](const char *name, const char *dtype,
                std::vector<int64_t> shape) {
    return [=](Builder &b) { b.tensors[name] = {dtype, shape}; };
  };
  auto fused = [](const char *name, std::vector<int64_t> shape) {
    return [=](Builder &b) {
      b.describeTensors(true);
      b.tensors[name].shape = shape;
    };
  };
  constexpr const char *kGateUp = "model.layers.1.mlp.experts.gate_up_proj";
  constexpr const char *kDown = "model.layers.1.mlp.experts.down_proj";
  const Bad cases[] = {
      {"no embedding",
       erase("model.embed_tokens.weight"),
       {"'model.embed_tokens.weight' is missing", "[101, 40]"}},
      {"no head", erase("lm_head.weight"), {"'lm_head.weight' is missing"}},
      {"no final norm",
       erase("model.norm.weight"),
       {"'model.norm.weight' is missing"}},
      {"no q_norm",
       erase("model.layers.1.self_attn.q_norm.weight"),
       {"'model.layers.1.self_attn.q_norm.weight' is missing", "[8]"}},
      {"no router",
       erase("model.layers.1.mlp.gate.weight"),
       {"'model.layers.1.mlp.gate.weight' is missing", "[3, 40]"}},
      {"an expert's part",
       erase("model.layers.1.mlp.experts.2.up_proj.weight"),
       {"'model.layers.1.mlp.experts.2.up_proj.weight' is missing",
        "[17, 40]"}},
      {"fused without down",
       [](Builder &b) {
         b.describeTensors(true);
         b.tensors.erase(kDown);
       },
       {"'model.layers.1.mlp.experts.down_proj' is missing"}},
      {"one expert more",
       set("model.layers.1.mlp.experts.3.up_proj.weight", "BF16", {17, 40}),
       {"model.safetensors: tensor "
        "'model.layers.1.mlp.experts.3.up_proj.weight'",
        "has no place"}},
      {"two left over",
       [](Builder &b) {
         b.tensors["a"] = {"BF16", {1}};
         b.tensors["b"] = {"BF16", {1}};
       },
       {"'a'", "and 1 more have no place"}},
      {"shared expert",
       set("model.layers.1.mlp.shared_expert.up_proj.weight", "BF16", {1, 1}),
       {"shared_expert", "has no place"}},
      {"scales of FP8",
       set("model.layers.0.mlp.up_proj.weight_scale_inv", "F32", {1, 1}),
       {"weight_scale_inv", "has no place"}},
      {"bias without attention_bias",
       set("model.layers.0.self_attn.q_proj.bias", "BF16", {32}),
       {"'model.layers.0.self_attn.q_proj.bias'", "has no place"}},
      {"one layer more",
       set("model.layers.2.input_layernorm.weight", "BF16", {40}),
       {"'model.layers.2.input_layernorm.weight'", "has no place"}},
      {"both layouts",
       [](Builder &b) {
         auto single = b.tensors;
         b.describeTensors(true);
         b.tensors.merge(single);
       },
       {"'model.layers.1.mlp.experts.0.down_proj.weight'",
        "8 more have no place"}},
      {"transposed gate_up",
       fused(kGateUp, {3, 40, 34}),
       {kGateUp, "[3, 40, 34]", "transposed", "expected [3, 34, 40]"}},
      {"transposed down",
       fused(kDown, {3, 17, 40}),
       {kDown, "transposed", "expected [3, 40, 17]"}},
      {"wrong number of fused experts",
       fused(kGateUp, {4, 34, 40}),
       {kGateUp, "found shape [4, 34, 40], expected [3, 34, 40]"}},
      {"wrong shape",
       set("model.layers.0.self_attn.k_proj.weight", "BF16", {32, 40}),
       {"'model.layers.0.self_attn.k_proj.weight'",
        "found shape [32, 40], expected [16, 40]"}},
      {"wrong rank",
       set("model.norm.weight", "BF16", {1, 40}),
       {"'model.norm.weight'", "found shape [1, 40], expected [40]"}},
      {"wrong vocabulary",
       set("lm_head.weight", "BF16", {100, 40}),
       {"'lm_head.weight'", "found shape [100, 40], expected [101, 40]"}},
      {"wrong tied copy",
       [](Builder &b) {
         b.config["tie_word_embeddings"] = true;
         b.tensors["lm_head.weight"].shape = {7, 40};
       },
       {"'lm_head.weight'", "found shape [7, 40]"}},
      {"FP8 weight",
       set("model.layers.0.self_attn.q_proj.weight", "F8_E4M3", {32, 40}),
       {"q_proj", "dtype F8_E4M3, expected BF16, F16 or F32"}},
      {"integer norm",
       set("model.norm.weight", "I64", {40}),
       {"'model.norm.weight'", "dtype I64"}},
      {"an expert of another dtype",
       [](Builder &b) {
         b.tensors["model.layers.1.mlp.experts.1.down_proj.weight"].dtype =
             "F32";
       },
       {"experts.1.down_proj.weight'", "found dtype F32, expected BF16"}},
  };
  for (const Bad &bad : cases) {
    SCOPED_TRACE(bad.name);
    CheckpointBuilder builder;
    bad.damage(builder);
    Opened opened(builder);
    auto tensors = opened.bind();
    ASSERT_FALSE(tensors);
    expectLine(tensors.status().message(), {opened.folder.path()});
    expectLine(tensors.status().message(), bad.says);
  }
}

TEST(Qwen3MoeTensors, BindsTheDemoModel) {
  auto checkpoint = Checkpoint::open(SLUICE_SOURCE_DIR "/models/demo/target");
  ASSERT_TRUE(checkpoint) << checkpoint.status().message();
  auto config = Qwen3MoeConfig::parse(*checkpoint);
  ASSERT_TRUE(config) << config.status().message();
  EXPECT_EQ(config->stopTokens, (std::vector<int64_t>{2045, 2047}));
  EXPECT_EQ(config->rope.theta, 1e6);
  auto tensors = Qwen3MoeTensors::bind(*checkpoint, *config);
  ASSERT_TRUE(tensors) << tensors.status().message();
  EXPECT_EQ(tensors->layers.size(), 6u);
  EXPECT_NEAR(static_cast<double>(tensors->parameters), 10.36e6, 0.01e6);
}

TEST(Qwen3MoeTensors, BindsQwen3Sized) {
  // Qwen3-30B-A3B: 48 layers of 128 experts; Qwen3-235B-A22B: 94 of 128.
  struct Size {
    int layers, experts;
    size_t tensors;
  };
  std::vector<Size> sizes = {Size{48, 128, 18867}};
#ifndef SLUICE_SANITIZED // There the larger sizes take long and show no more.
  sizes.push_back(Size{94, 128, 36945});
  sizes.push_back(Size{61, 256, 47400});
#endif
  for (const Size &size : sizes) {
    SCOPED_TRACE(size.tensors);
    CheckpointBuilder builder;
    builder.config["num_hidden_layers"] = size.layers;
    builder.config["num_experts"] = size.experts;
    builder.config["decoder_sparse_step"] = 1;
    builder.describeTensors();
    builder.shard(16);
    ASSERT_EQ(builder.tensors.size(), size.tensors);
    TemporaryDirectory folder;
    builder.write(folder);
    const auto start = std::chrono::steady_clock::now();
    auto checkpoint = Checkpoint::open(folder.path());
    ASSERT_TRUE(checkpoint) << checkpoint.status().message();
    const auto opened = std::chrono::steady_clock::now();
    auto config = Qwen3MoeConfig::parse(*checkpoint);
    ASSERT_TRUE(config) << config.status().message();
    auto tensors = Qwen3MoeTensors::bind(*checkpoint, *config);
    ASSERT_TRUE(tensors) << tensors.status().message();
    const auto bound = std::chrono::steady_clock::now();
    EXPECT_EQ(tensors->layers.back().bank.experts.size(),
              static_cast<size_t>(size.experts));
    using Milliseconds = std::chrono::duration<double, std::milli>;
    RecordProperty("open" + std::to_string(size.tensors),
                   std::to_string(Milliseconds(opened - start).count()));
    RecordProperty("bind" + std::to_string(size.tensors),
                   std::to_string(Milliseconds(bound - opened).count()));
  }
}

} // namespace
} // namespace sluice::frontend
