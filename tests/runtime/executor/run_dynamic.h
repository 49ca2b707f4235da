//===- run_dynamic.h - Plans that move experts, against those that do not -===//
#pragma once

#include "runtime/backend/cpu/cpu_backend.h"
#include "tests/runtime/executor/run_tiny.h"

namespace sluice::testing {

/// Every layer has an expert that some row always picks and some that none do.
inline TinyModel dynamicModel() {
  TinyModel model;
  model.layers = 3;
  model.experts = 8;
  model.topK = 3;
  model.prefillRows = 9;
  return model;
}

/// Experts in turn at home in host memory and on disk, none in slots at first,
/// without the optional instructions.
inline TinyExperts plainExperts() {
  TinyExperts experts;
  experts.split = false;
  experts.prefetch = 0;
  experts.graphs = false;
  experts.resident = {};
  return experts;
}

/// What a run of several steps gives: prompts of two sequences in two prefill
/// steps, then tokens of both in a batch and alone.
inline std::vector<std::vector<float>> runSteps(Executor &executor) {
  std::vector<std::vector<float>> logits;
  auto prefill = [&](std::vector<Row> rows, std::vector<int32_t> wanted) {
    logits.push_back(step(executor, EntryPoint::Prefill, rows, wanted));
  };
  auto decode = [&](std::vector<Row> rows, std::vector<int32_t> wanted) {
    logits.push_back(step(executor, EntryPoint::Decode, rows, wanted));
  };
  prefill({{1, 0, 0}, {7, 1, 0}, {22, 2, 0}, {4, 0, 1}, {19, 1, 1}}, {2, 4});
  prefill({{2, 3, 0},
           {8, 4, 0},
           {3, 5, 0},
           {9, 6, 0},
           {10, 7, 0},
           {11, 8, 0},
           {12, 9, 0},
           {13, 10, 0},
           {14, 11, 0}},
          {8});
  for (int32_t i = 0; i < 6; ++i)
    decode({{5 * i % 23, 12 + i, 0}, {3 * i % 23, 2 + i, 1}}, {0, 1});
  for (int32_t i = 6; i < 9; ++i)
    decode({{i, 12 + i, 0}}, {0});
  return logits;
}

inline std::vector<std::vector<float>> staticLogits(const TinyModel &model) {
  TinyOnDisk disk(makeTinyPlan(model));
  auto backend = makeCpuBackend({2, 512});
  auto executor = disk.load(**backend);
  EXPECT_TRUE(executor.isOk()) << executor.status().message();
  return runSteps(**executor);
}

} // namespace sluice::testing
