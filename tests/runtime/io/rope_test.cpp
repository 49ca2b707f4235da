//===- rope_test.cpp - Against transformers 5.23 --------------------------===//
//
// The expected numbers are Qwen3MoeRotaryEmbedding's inv_freq and
// attention_scaling for the same configuration (torch 2.15, CPU).
//
//===----------------------------------------------------------------------===//
#include "compiler/frontend/rope_config.h"

#include <gtest/gtest.h>

namespace sluice::frontend {
namespace {

struct Golden {
  const char *name;
  const char *config;
  int64_t headDim, maxPositions;
  float scale;
  std::vector<float> frequencies;
};

TEST(Rope, EqualsTransformers) {
  const Golden cases[] = {
      {"default",
       R"({"rope_theta": 1e6, "rope_scaling": null})",
       16,
       4096,
       1.0f,
       {1.0f, 0.177827939f, 0.0316227786f, 0.00562341325f, 0.00100000005f,
        0.00017782794f, 3.16227743e-05f, 5.62341347e-06f}},
      {"default theta",
       "{}",
       10,
       4096,
       1.0f,
       {1.0f, 0.158489317f, 0.0251188632f, 0.00398107059f, 0.000630957307f}},
      {"linear",
       R"({"rope_theta": 10000,
                     "rope_scaling": {"rope_type": "linear", "factor": 4}})",
       16,
       8192,
       1.0f,
       {0.25f, 0.079056941f, 0.0250000004f, 0.00790569466f, 0.00249999994f,
        0.000790569466f, 0.000250000012f, 7.90569466e-05f}},
      {"yarn",
       R"({"rope_theta": 1000000.0, "rope_scaling": {
                   "rope_type": "yarn", "factor": 4.0,
                   "original_max_position_embeddings": 32768}})",
       32,
       131072,
       1.13862943649292f,
       {1.0f, 0.421696514f, 0.177827939f, 0.0749894157f, 0.0316227786f,
        0.0133352149f, 0.00477990136f, 0.00165996165f, 0.000549999997f,
        0.000168678584f, 4.44569851e-05f, 1.87473561e-05f, 7.90569356e-06f,
        3.33380353e-06f, 1.40585337e-06f, 5.92843435e-07f}},
      {"yarn under the key type, not truncated",
       R"({"rope_theta": 10000.0, "rope_scaling": {"type": "yarn",
           "factor": 8.0, "beta_fast": 16, "beta_slow": 2, "truncate": false,
           "original_max_position_embeddings": 512}})",
       16,
       4096,
       1.2079441547393799f,
       {1.0f, 0.316227764f, 0.0716084614f, 0.00732499827f, 0.00124999997f,
        0.000395284733f, 0.000125000006f, 3.95284733e-05f}},
      {"yarn with mscale",
       R"({"rope_parameters": {"rope_type": "yarn", "rope_theta": 500000.0,
           "factor": 2.5, "mscale": 0.8, "mscale_all_dim": 1.2,
           "original_max_position_embeddings": 1024}})",
       16,
       4096,
       0.9669791460037231f,
       {1.0f, 0.16483435f, 0.0263242219f, 0.00401096558f, 0.00056568539f,
        0.000109699271f, 2.12731829e-05f, 4.12535383e-06f}},
      {"yarn with attention_factor",
       R"({"rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0,
           "factor": 4.0, "attention_factor": 1.25,
           "original_max_position_embeddings": 64}})",
       8,
       256,
       1.25f,
       {1.0f, 0.0625f, 0.00249999994f, 0.000250000012f}},
      {"yarn with a ramp of no width",
       R"({"rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0,
           "factor": 2.0, "beta_fast": 1, "beta_slow": 1,
           "original_max_position_embeddings": 6}})",
       16,
       1024,
       1.06931471824646f,
       {1.0f, 0.158113882f, 0.0500000007f, 0.0158113893f, 0.00499999989f,
        0.00158113893f, 0.000500000024f, 0.000158113893f}},
      {"yarn without a factor",
       R"({"rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0,
           "factor": null, "original_max_position_embeddings": 1024}})",
       16,
       4096,
       1.13862943649292f,
       {1.0f, 0.316227764f, 0.0812500045f, 0.0197642371f, 0.00437500002f,
        0.000790569466f, 0.000250000012f, 7.90569466e-05f}}};
  for (const Golden &golden : cases) {
    SCOPED_TRACE(golden.name);
    auto json = parseJson(golden.config, "config.json");
    ASSERT_TRUE(json);
    auto root = JsonObject::of(*json, "config.json");
    ASSERT_TRUE(root);
    auto config = parseRope(*root, golden.maxPositions);
    ASSERT_TRUE(config) << config.status().message();
    const RopeFrequencies rope = computeRope(*config, golden.headDim);
    EXPECT_FLOAT_EQ(rope.attentionScale, golden.scale);
    ASSERT_EQ(rope.inverseFrequencies.size(), golden.frequencies.size());
    // torch's vectorised pow may differ from libm's in the last place.
    for (size_t i = 0; i < golden.frequencies.size(); ++i)
      EXPECT_FLOAT_EQ(rope.inverseFrequencies[i], golden.frequencies[i]) << i;
  }
}

} // namespace
} // namespace sluice::frontend
