// RUN: sluice-opt %s | sluice-opt | FileCheck %s
// RUN: sluice-opt %s --mlir-print-op-generic | sluice-opt | FileCheck %s

// Every op of the plan dialect, printed and read again.

// CHECK: plan.model "m" {architecture = "A", directory = "/m"
plan.model "m" {
  architecture = "A", directory = "/m", experts = 2 : i64, hidden = 8 : i64, layers = 1 : i64,
  max_positions = 32 : i64, max_sequences = 1 : i64, options = "--batch 1", page_tokens = 16 : i64,
  pages = 2 : i64, pages_per_sequence = 2 : i64, parameters = 7 : i64,
  stop_tokens = array<i64: 3>, top_k = 1 : i64, vocab = 10 : i64}
// CHECK: %[[FILE:.*]] = plan.file "model.safetensors" size 4096 hash -5
%file = plan.file "model.safetensors" size 4096 hash -5
// CHECK: %weights = plan.arena "weights" device size 512
%weights = plan.arena "weights" device size 512
%workspace = plan.arena "workspace" device size 1024
%io = plan.arena "io" host size 512
// CHECK: plan.memory "dense weights" device size 512
plan.memory "dense weights" device size 512
// CHECK: %table = plan.buffer "table" in %weights[0, 160] : bf16
%table = plan.buffer "table" in %weights[0, 160] : bf16
%slots = plan.buffer "slots" in %weights[256, 8] : i32
%cos = plan.buffer "cos" in %workspace[512, 16] : f32
%sin = plan.buffer "sin" in %workspace[768, 16] : f32
%tokens_host = plan.buffer "tokens_host" in %io[0, 4] : i32
%ids_host = plan.buffer "ids_host" in %io[256, 4] : i32
%tokens = plan.buffer "tokens" in %workspace[0, 4] : i32
%hidden = plan.buffer "hidden" in %workspace[256, 16] : bf16
// CHECK: %[[SOURCE:.*]] = plan.source "embed" from %[[FILE]], %[[FILE]] ranges {{\[\[}}0, 8, 0, 80], [1, 96, 80, 80]]
%source = plan.source "embed" from %file, %file ranges [[0, 8, 0, 80], [1, 96, 80, 80]]
// CHECK: plan.constant %slots = [0, 1]
plan.constant %slots = [0, 1]
// CHECK: plan.rope_table %cos, %sin positions 2 scale 1.000000e+00 frequencies [1.000000e+00, 1.000000e-01]
plan.rope_table %cos, %sin positions 2 scale 1.0 frequencies [1.0, 0.1]

// CHECK: plan.entry @load rows 0 logit_rows 0 {
plan.entry @load rows 0 logit_rows 0 {
  // CHECK: plan.fetch %[[SOURCE]] into %table on demand
  plan.fetch %source into %table on demand
}

// CHECK: plan.entry @decode rows 1 logit_rows 1 {
plan.entry @decode rows 1 logit_rows 1 {
  // CHECK: plan.input tokens %tokens_host
  plan.input tokens %tokens_host
  // CHECK: plan.output expert_ids layer 3 %ids_host
  plan.output expert_ids layer 3 %ids_host
  // CHECK: plan.copy %tokens_host to %tokens rows 4 on demand
  plan.copy %tokens_host to %tokens rows 4 on demand
  // CHECK: %[[EVENT:.*]] = plan.record on demand
  %event = plan.record on demand
  // CHECK: plan.wait %[[EVENT]] on compute
  plan.wait %event on compute
  // CHECK: plan.launch embed(%tokens, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
  plan.launch embed(%tokens, %table, %hidden) {vocab = 10, hidden = 8} rows portable on compute
  // CHECK: plan.copy %tokens to %ids_host fixed 4 recording on copy_back
  plan.copy %tokens to %ids_host fixed 4 recording on copy_back
}

// A gap in the operands and scalars by name.
%norm = plan.buffer "norm" in %weights[0, 16] : bf16
%out = plan.buffer "out" in %workspace[0, 16] : bf16
%square = plan.buffer "square" in %weights[0, 128] : bf16
// CHECK: plan.entry @prefill rows 1 logit_rows 1 {
plan.entry @prefill rows 1 logit_rows 1 {
  // CHECK: plan.launch linear(%hidden, %square, none, %out) {inputs = 8, outputs = 8} rows tensor on compute
  plan.launch linear(%hidden, %square, none, %out) {inputs = 8, outputs = 8} rows tensor on compute
  // CHECK: plan.launch rms_norm(%out, %norm, %hidden) {groups = 1, width = 8, eps = 5.000000e-01} logit_rows portable on prefetch
  plan.launch rms_norm(%out, %norm, %hidden) {groups = 1, width = 8, eps = 0.5} logit_rows portable on prefetch
}
