//===- qwen3_shape.h - Qwen3-30B-A3B for tests of the planner ---*- C++ -*-===//
#pragma once

#include "compiler/analysis/planner.h"

#include <string>
#include <vector>

namespace sluice::testing {

inline OpShape linear(int64_t inputs, int64_t outputs, bool gate = false) {
  OpShape op;
  op.dims = {inputs, outputs};
  op.weightBytes = 2.0 * static_cast<double>(inputs * outputs);
  op.rowBytes = 2.0 * static_cast<double>(inputs + outputs);
  op.rowFlops = 2.0 * static_cast<double>(inputs * outputs);
  op.gate = gate;
  return op;
}

/// 48 layers of 128 experts, 8 a token, 9,437,184 bytes each in bf16; 32 query
/// and 4 key heads of 128.
inline ModelShape qwen3Shape(int64_t layers = 48) {
  ModelShape model;
  model.name = "Qwen3-30B-A3B";
  LayerShape layer;
  OpShape attention;
  attention.kernel = Kernel::Attention;
  attention.dims = {32, 4, 128, 256, 16, 1, 256, 16, 130};
  attention.rowBytes = 2.0 * 2 * 32 * 128;
  attention.contextBytes = 2.0 * 2 * 4 * 128;
  attention.rowFlops = 0;
  layer.before = {linear(2048, 5120), attention, linear(4096, 2048),
                  linear(2048, 128, true)};
  layer.experts = 128;
  layer.topK = 8;
  layer.hidden = 2048;
  layer.inner = 768;
  layer.expertBytes = 9437184;
  for (int64_t i = 0; i < layers; ++i) {
    layer.layer = i;
    model.layers.push_back(layer);
  }
  model.head = {linear(2048, 151936)};
  return model;
}

/// A machine of round figures: an expert of 9,437,184 bytes takes 1 ms on the
/// bus, 0.5 ms on the host and 10 us on the GPU; launches and waits are free.
inline Hardware roundMachine() {
  constexpr double kBytes = 9437184;
  Hardware machine;
  machine.name = "round";
  machine.hostToDevice = {{{1, kBytes / 1e6}}, "t"};
  machine.deviceToHost = machine.hostToDevice;
  machine.hostExpert = {{{1, kBytes / 5e5}, {1e6, kBytes / 5e5}}, "t"};
  machine.deviceBandwidth = {kBytes / 1e4, "t"};
  machine.tensorTflops = machine.vectorTflops = {1e6, "t"};
  machine.hostRead = {100, "t"};
  machine.diskRead = {kBytes / 4e6, "t"}; // 4 ms
  machine.launchUs = machine.graphNodeUs = machine.syncUs =
      machine.copyLatencyUs = {1e-9, "t"};
  return machine;
}

/// A plan of which a wave is one expert.
inline StepPlan planOf(int64_t batch, int64_t slots) {
  StepPlan plan;
  plan.batch = batch;
  plan.slots = slots;
  plan.waveBytes = 9437184;
  return plan;
}

/// As --explain prints them.
inline std::string textOf(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += line + "\n";
  return text;
}
inline bool says(const PlannerReport &report, const std::string &words) {
  return textOf(report.lines).find(words) != std::string::npos;
}

} // namespace sluice::testing
