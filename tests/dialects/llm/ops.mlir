// RUN: sluice-opt %s | sluice-opt | FileCheck %s
// RUN: sluice-opt %s --mlir-print-op-generic | sluice-opt | FileCheck %s
// Every op of the dialect, printed and parsed again.

// CHECK: llm.model "tiny" {activations = bf16
llm.model "tiny" {
  activations = bf16, architecture = "Qwen3MoeForCausalLM",
  directory = "/models/tiny", experts = 4 : i64, hidden = 8 : i64,
  layers = 1 : i64, max_positions = 32 : i64, max_sequences = 2 : i64,
  options = "--batch 2", page_tokens = 16 : i64, pages = 4 : i64,
  pages_per_sequence = 2 : i64, parameters = 1000 : i64,
  stop_tokens = array<i64: 9>, top_k = 2 : i64, vocab = 10 : i64}

// CHECK: llm.file @file0 "model.safetensors" {bytes = 65536 : i64, header_hash = -1 : i64}
llm.file @file0 "model.safetensors" {bytes = 65536 : i64, header_hash = -1 : i64}
// CHECK: llm.weight @embed_tokens "model.embed_tokens.weight" in @file0 at 128 size 160 : tensor<10x8xbf16>
llm.weight @embed_tokens "model.embed_tokens.weight" in @file0 at 128 size 160 : tensor<10x8xbf16>
llm.weight @norm "norm" in @file0 at 1024 size 16 : tensor<8xbf16>
llm.weight @head_norm "q_norm" in @file0 at 1040 size 8 : tensor<4xf16>
llm.weight @q "q_proj" in @file0 at 2048 size 128 : tensor<8x8xbf16>
llm.weight @bias "q_proj.bias" in @file0 at 4096 size 32 : tensor<8xf32>
llm.weight @router "mlp.gate" in @file0 at 5000 size 64 : tensor<4x8xbf16>
// CHECK: llm.expert_bank @experts "mlp.experts" {dtype = bf16, experts = 4 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, files = [@file0]
llm.expert_bank @experts "mlp.experts" {
  dtype = bf16, experts = 4 : i64,
  file_of = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, files = [@file0],
  hidden = 8 : i64, inner = 3 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 48, 96, 144, 192, 240, 288, 336, 384, 432, 480, 65488>}
// CHECK: llm.rope_table @rope {inverse_frequencies = array<f32: 1.000000e+00, 1.000000e-01>, positions = 32 : i64, scale = 1.000000e+00 : f32}
llm.rope_table @rope {
  inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
// CHECK: llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[TOKENS:.*]]: tensor<?xi32> {llm.role = "tokens"}
// CHECK-SAME: %[[POSITIONS:.*]]: tensor<?xi32> {llm.role = "positions"}
// CHECK-SAME: %[[SEQUENCES:.*]]: tensor<?xi32> {llm.role = "sequences"}
// CHECK-SAME: %[[TABLE:.*]]: tensor<2x2xi32> {llm.role = "page_table"}
// CHECK-SAME: llm.max_logit_rows = 2 : i64, llm.max_rows = 2 : i64
func.func @decode(
    %tokens: tensor<?xi32> {llm.role = "tokens"},
    %positions: tensor<?xi32> {llm.role = "positions"},
    %sequences: tensor<?xi32> {llm.role = "sequences"},
    %table: tensor<2x2xi32> {llm.role = "page_table"},
    %rows: tensor<?xi32> {llm.role = "logit_rows"})
    -> (tensor<?x10xf32> {llm.role = "logits"},
        tensor<?x2xi32> {llm.role = "expert_ids", llm.layer = 0 : i64},
        tensor<?x2xf32> {llm.role = "expert_weights", llm.layer = 0 : i64})
    attributes {llm.max_rows = 2 : i64, llm.max_logit_rows = 2 : i64} {
  // CHECK: %[[H:.*]] = llm.embed %[[TOKENS]], @embed_tokens : tensor<?xi32> -> tensor<?x8xbf16>
  %h = llm.embed %tokens, @embed_tokens : tensor<?xi32> -> tensor<?x8xbf16>
  // CHECK: %[[N:.*]] = llm.rms_norm %[[H]], @norm {eps = {{.*}} : f32} : tensor<?x8xbf16>
  %n = llm.rms_norm %h, @norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  // CHECK: %[[Q:.*]] = llm.linear %[[N]], @q bias @bias : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %q = llm.linear %n, @q bias @bias : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %k = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x4xbf16>
  // CHECK: llm.linear_group %[[N]], [@q, @router] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x4xf32>
  %two:2 = llm.linear_group %n, [@q, @router] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x4xf32>
  // CHECK: llm.linear_group %[[N]], [@q, @q, @q] bias [@bias, @bias, @bias] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
  %three:3 = llm.linear_group %n, [@q, @q, @q] bias [@bias, @bias, @bias]
      : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
  // CHECK: %[[QN:.*]] = llm.rms_norm %[[Q]], @head_norm
  %qn = llm.rms_norm %q, @head_norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  // CHECK: %[[QR:.*]] = llm.rope %[[QN]], %[[POSITIONS]], @rope : tensor<?x8xbf16>, tensor<?xi32>
  %qr = llm.rope %qn, %positions, @rope : tensor<?x8xbf16>, tensor<?xi32>
  // CHECK: llm.kv_write %[[K:.*]], %[[K]], %[[POSITIONS]], %[[SEQUENCES]], %[[TABLE]], @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  llm.kv_write %k, %k, %positions, %sequences, %table, @kv
      : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  // CHECK: %[[F:.*]] = llm.qk_norm_rope_write %[[QR]], %[[K]], %[[K]], %[[POSITIONS]], %[[SEQUENCES]], %[[TABLE]] norm @head_norm, @head_norm rope @rope cache @kv
  %f = llm.qk_norm_rope_write %qr, %k, %k, %positions, %sequences, %table
      norm @head_norm, @head_norm rope @rope cache @kv {eps = 1.0e-6 : f32}
      : tensor<?x8xbf16>, tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  // CHECK: %[[A:.*]] = llm.attention %[[F]], %[[POSITIONS]], %[[SEQUENCES]], %[[TABLE]], @kv {scale = 5.000000e-01 : f32} : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %f, %positions, %sequences, %table, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  // CHECK: %[[S:.*]] = llm.add %[[H]], %[[A]] : tensor<?x8xbf16>
  %s = llm.add %h, %a : tensor<?x8xbf16>
  // CHECK: %[[SUM:.*]], %[[OUT:.*]] = llm.add_rms_norm %[[S]], %[[A]], @norm
  %sum, %out = llm.add_rms_norm %s, %a, @norm {eps = 1.0e-6 : f32} : tensor<?x8xbf16>
  // CHECK: %[[L:.*]] = llm.linear %[[OUT]], @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %l = llm.linear %out, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  // CHECK: %[[P:.*]] = llm.softmax %[[L]] : tensor<?x4xf32>
  %p = llm.softmax %l : tensor<?x4xf32>
  // CHECK: %[[I:.*]], %[[W:.*]] = llm.top_k %[[P]] : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %i, %w = llm.top_k %p : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: llm.route %[[L]] {normalize} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %i2, %w2 = llm.route %l {normalize} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: llm.add_norm_route %[[S]], %[[A]] norm @norm router @router {eps = {{.*}} : f32, normalize} : tensor<?x8xbf16> -> tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  %chosen:5 = llm.add_norm_route %s, %a norm @norm router @router {eps = 1.0e-6 : f32, normalize}
      : tensor<?x8xbf16> -> tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: %[[M:.*]] = llm.experts %[[OUT]], %[[I]], %[[W]], @experts : tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  %m = llm.experts %out, %i, %w, @experts : tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: %[[G:.*]] = llm.swiglu %[[SUM]], %[[M]] : tensor<?x8xbf16>
  %g = llm.swiglu %sum, %m : tensor<?x8xbf16>
  // CHECK: %[[R:.*]] = llm.select_rows %[[G]], %{{.*}} : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
  %r = llm.select_rows %g, %rows : tensor<?x8xbf16>, tensor<?xi32> -> tensor<?x8xbf16>
  %logits = llm.linear %r, @embed_tokens : tensor<?x8xbf16> -> tensor<?x10xf32>
  return %logits, %i2, %w2 : tensor<?x10xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}
