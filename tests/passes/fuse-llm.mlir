// RUN: sluice-opt %s --fuse-llm --split-input-file | FileCheck %s
// RUN: sluice-opt %s --fuse-llm --split-input-file -o /dev/null \
// RUN:   --remarks-filter=fuse-llm 2>&1 | FileCheck %s --check-prefix=COUNT

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @norm "norm" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @head_norm "head_norm" in @f at 0 size 8 : tensor<4xbf16>
llm.weight @w "w" in @f at 0 size 128 : tensor<8x8xbf16>

// The sum is read again by the next residual.
// CHECK-LABEL: @norm_of_sum
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x8xbf16>, %[[B:[^:]*]]: tensor
// CHECK-NEXT: %[[S:.*]], %[[N:.*]] = llm.add_rms_norm %[[A]], %[[B]], @norm {eps = 1.000000e-03 : f32}
// CHECK-NEXT: %[[L:.*]] = llm.linear %[[N]], @w
// CHECK-NEXT: %[[R:.*]] = llm.add %[[S]], %[[L]]
// CHECK-NEXT: return %[[R]]
func.func @norm_of_sum(%a: tensor<?x8xbf16>, %b: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %s = llm.add %a, %b : tensor<?x8xbf16>
  %n = llm.rms_norm %s, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @w : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %r = llm.add %s, %l : tensor<?x8xbf16>
  return %r : tensor<?x8xbf16>
}

// A norm per head is another kernel's.
// CHECK-LABEL: @norm_of_heads
// CHECK: llm.add %
// CHECK: llm.rms_norm
func.func @norm_of_heads(%a: tensor<?x8xbf16>, %b: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %s = llm.add %a, %b : tensor<?x8xbf16>
  %n = llm.rms_norm %s, @head_norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  return %n : tensor<?x8xbf16>
}

// CHECK-LABEL: @router
// CHECK-NEXT: %[[I:.*]], %[[W:.*]] = llm.route %{{.*}} {normalize}
// CHECK-NEXT: return %[[I]], %[[W]]
func.func @router(%l: tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %p = llm.softmax %l : tensor<?x4xf32>
  %i, %w = llm.top_k %p {normalize} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// The probabilities are wanted: nothing to gain.
// CHECK-LABEL: @probabilities_read
// CHECK: llm.softmax
// CHECK: llm.top_k %{{[^{]*}} :
func.func @probabilities_read(%l: tensor<?x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %p = llm.softmax %l : tensor<?x4xf32>
  %i, %w = llm.top_k %p : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %p, %i, %w : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @qn "q_norm" in @f at 0 size 8 : tensor<4xbf16>
llm.weight @kn "k_norm" in @f at 0 size 8 : tensor<4xbf16>
llm.rope_table @rope {
  inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x1x4xbf16>
llm.kv_cache @other {layer = 1 : i64} : tensor<4x16x1x4xbf16>

// CHECK-LABEL: @write
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x8xbf16>, %[[K:[^:]*]]: tensor<?x4xbf16>, %[[V:[^:]*]]: tensor<?x4xbf16>, %[[P:[^:]*]]: tensor<?xi32>, %[[S:[^:]*]]: tensor<?xi32>, %[[T:[^:]*]]: tensor<2x2xi32>
// CHECK-NEXT: %[[R:.*]] = llm.qk_norm_rope_write %[[Q]], %[[K]], %[[V]], %[[P]], %[[S]], %[[T]] norm @qn, @kn rope @rope cache @kv {eps = 1.000000e-03 : f32}
// CHECK-NEXT: %[[A:.*]] = llm.attention %[[R]], %[[P]], %[[S]], %[[T]], @kv
// CHECK-NEXT: return %[[A]]
func.func @write(%q: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %v: tensor<?x4xbf16>,
                 %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) -> tensor<?x8xbf16> {
  %qn = llm.rms_norm %q, @qn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %qr = llm.rope %qn, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  %kn = llm.rms_norm %k, @kn {eps = 1.0e-3 : f32} : tensor<?x4xbf16>
  %kr = llm.rope %kn, %p, @rope : tensor<?x4xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// Another epsilon for k, another cache for the queries, rotated q read twice:
// each stays as it is.
// CHECK-LABEL: @eps_differs
// CHECK-NOT: llm.qk_norm_rope_write
// CHECK: llm.kv_write
func.func @eps_differs(%q: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %v: tensor<?x4xbf16>,
                       %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) -> tensor<?x8xbf16> {
  %qn = llm.rms_norm %q, @qn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %qr = llm.rope %qn, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  %kn = llm.rms_norm %k, @kn {eps = 1.0e-2 : f32} : tensor<?x4xbf16>
  %kr = llm.rope %kn, %p, @rope : tensor<?x4xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// CHECK-LABEL: @cache_differs
// CHECK-NOT: llm.qk_norm_rope_write
// CHECK: llm.kv_write
func.func @cache_differs(%q: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %v: tensor<?x4xbf16>,
                         %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) -> tensor<?x8xbf16> {
  %qn = llm.rms_norm %q, @qn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %qr = llm.rope %qn, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  %kn = llm.rms_norm %k, @kn {eps = 1.0e-3 : f32} : tensor<?x4xbf16>
  %kr = llm.rope %kn, %p, @rope : tensor<?x4xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @other {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// CHECK-LABEL: @rotated_read_twice
// CHECK-NOT: llm.qk_norm_rope_write
// CHECK: llm.kv_write
func.func @rotated_read_twice(%q: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %v: tensor<?x4xbf16>,
                              %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>)
    -> (tensor<?x8xbf16>, tensor<?x4xbf16>) {
  %qn = llm.rms_norm %q, @qn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %qr = llm.rope %qn, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  %kn = llm.rms_norm %k, @kn {eps = 1.0e-3 : f32} : tensor<?x4xbf16>
  %kr = llm.rope %kn, %p, @rope : tensor<?x4xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a, %kr : tensor<?x8xbf16>, tensor<?x4xbf16>
}

// Rotated in heads of two, stored in heads of four: one kernel cannot do that.
// CHECK-LABEL: @heads_differ
// CHECK-NOT: llm.qk_norm_rope_write
// CHECK: llm.kv_write
llm.rope_table @narrow {inverse_frequencies = array<f32: 1.0>, positions = 32 : i64, scale = 1.0 : f32}
func.func @heads_differ(%q: tensor<?x8xbf16>, %k: tensor<?x4xbf16>, %v: tensor<?x4xbf16>,
                        %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>) -> tensor<?x8xbf16> {
  %qn = llm.rms_norm %q, @qn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %qr = llm.rope %qn, %p, @narrow : tensor<?x8xbf16>, tensor<?xi32>
  %kn = llm.rms_norm %k, @kn {eps = 1.0e-3 : f32} : tensor<?x4xbf16>
  %kr = llm.rope %kn, %p, @narrow : tensor<?x4xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// COUNT: remark: [Passed] fused | Category:fuse-llm
// COUNT-SAME: add_rms_norm=1, qk_norm_rope_write=0, route=1
// COUNT: remark: [Passed] fused | Category:fuse-llm
// COUNT-SAME: add_rms_norm=0, qk_norm_rope_write=1, route=0
