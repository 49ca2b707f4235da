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

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @q "q" in @f at 0 size 128 : tensor<8x8xbf16>
llm.weight @k "k" in @f at 128 size 64 : tensor<4x8xbf16>
llm.weight @v "v" in @f at 192 size 64 : tensor<4x8xbf16>
llm.weight @k_wide "k_wide" in @f at 256 size 128 : tensor<8x8xbf16>
llm.weight @v_wide "v_wide" in @f at 384 size 128 : tensor<8x8xbf16>
llm.weight @v_half "v_half" in @f at 512 size 128 : tensor<8x8xf16>
llm.weight @b0 "b0" in @f at 640 size 16 : tensor<8xbf16>
llm.weight @b1 "b1" in @f at 656 size 16 : tensor<8xbf16>
llm.weight @b2 "b2" in @f at 672 size 16 : tensor<8xbf16>
llm.weight @qn "q_norm" in @f at 688 size 8 : tensor<4xbf16>
llm.weight @kn "k_norm" in @f at 696 size 8 : tensor<4xbf16>
llm.rope_table @rope {
  inverse_frequencies = array<f32: 1.0, 0.1>, positions = 32 : i64, scale = 1.0 : f32}
llm.kv_cache @kv {layer = 0 : i64} : tensor<4x16x2x4xbf16>
llm.kv_cache @narrow {layer = 1 : i64} : tensor<4x16x1x4xbf16>

// The whole block of attention: three launches are left of eight. What the
// same input is multiplied with elsewhere (@o) stays apart.
// CHECK-LABEL: @projections
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xbf16>, %[[P:[^:]*]]: tensor<?xi32>, %[[S:[^:]*]]: tensor<?xi32>, %[[T:[^:]*]]: tensor<2x2xi32>
// CHECK-NEXT: %[[G:.*]]:3 = llm.linear_group %[[X]], [@q, @k_wide, @v_wide] bias [@b0, @b1, @b2] : tensor<?x8xbf16> -> tensor<?x8xbf16>, tensor<?x8xbf16>, tensor<?x8xbf16>
// CHECK-NEXT: %[[O:.*]] = llm.linear %[[X]], @q bias @b0
// CHECK-NEXT: %[[R:.*]] = llm.qk_norm_rope_write %[[G]]#0, %[[G]]#1, %[[G]]#2, %[[P]], %[[S]], %[[T]] norm @qn, @kn rope @rope cache @kv
// CHECK-NEXT: %[[A:.*]] = llm.attention %[[R]]
// CHECK-NEXT: return %[[A]], %[[O]]
func.func @projections(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>)
    -> (tensor<?x8xbf16>, tensor<?x8xbf16>) {
  %q = llm.linear %x, @q bias @b0 : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %o = llm.linear %x, @q bias @b0 : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %k = llm.linear %x, @k_wide bias @b1 : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %v = llm.linear %x, @v_wide bias @b2 : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %qn = llm.rms_norm %q, @qn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %qr = llm.rope %qn, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  %kn = llm.rms_norm %k, @kn {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %kr = llm.rope %kn, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a, %o : tensor<?x8xbf16>, tensor<?x8xbf16>
}

// Norms and rotations that stay apart are no obstacle, and neither is v that
// is made first: a group stands at the first of its parts.
// CHECK-LABEL: @unfused_write
// CHECK-NEXT: %[[G:.*]]:3 = llm.linear_group %{{.*}}, [@v_wide, @q, @k_wide] : tensor<?x8xbf16> -> tensor
// CHECK-NEXT: llm.rope %[[G]]#1
// CHECK-NEXT: %[[KR:.*]] = llm.rope %[[G]]#2
// CHECK-NEXT: llm.kv_write %[[KR]], %[[G]]#0
func.func @unfused_write(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>)
    -> tensor<?x8xbf16> {
  %v = llm.linear %x, @v_wide : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %q = llm.linear %x, @q : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %qr = llm.rope %q, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  %k = llm.linear %x, @k_wide : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %kr = llm.rope %k, %p, @rope : tensor<?x8xbf16>, tensor<?xi32>
  llm.kv_write %kr, %v, %p, %s, %t, @kv : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %qr, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// Four outputs are nothing for the matrix units, eight are: of q, k and v only
// the last two are alike.
// CHECK-LABEL: @two_alike
// CHECK-NEXT: llm.linear %{{.*}}, @q :
// CHECK-NEXT: %[[G:.*]]:2 = llm.linear_group %{{.*}}, [@k, @v] : tensor<?x8xbf16> -> tensor<?x4xbf16>, tensor<?x4xbf16>
// CHECK-NEXT: llm.kv_write %[[G]]#0, %[[G]]#1
func.func @two_alike(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>)
    -> tensor<?x8xbf16> {
  %q = llm.linear %x, @q : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %k = llm.linear %x, @k : tensor<?x8xbf16> -> tensor<?x4xbf16>
  %v = llm.linear %x, @v : tensor<?x8xbf16> -> tensor<?x4xbf16>
  llm.kv_write %k, %v, %p, %s, %t, @narrow : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %q, %p, %s, %t, @narrow {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// q of another input, k with a bias, v of another type: nobody is alike.
// CHECK-LABEL: @none_alike
// CHECK-NOT: llm.linear_group
// CHECK: llm.attention
func.func @none_alike(%x: tensor<?x8xbf16>, %y: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>,
                      %t: tensor<2x2xi32>) -> tensor<?x8xbf16> {
  %q = llm.linear %y, @q : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %k = llm.linear %x, @k_wide bias @b1 : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %v = llm.linear %x, @v_half : tensor<?x8xbf16> -> tensor<?x8xbf16>
  llm.kv_write %k, %v, %p, %s, %t, @kv : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %q, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// Products of one input that no attention uses: gate and up of a dense layer.
// CHECK-LABEL: @no_attention
// CHECK-NOT: llm.linear_group
// CHECK: llm.swiglu
func.func @no_attention(%x: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %g = llm.linear %x, @k_wide : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %u = llm.linear %x, @v_wide : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %i = llm.swiglu %g, %u : tensor<?x8xbf16>
  return %i : tensor<?x8xbf16>
}

// Keys that another cache got are not this attention's.
// CHECK-LABEL: @other_cache
// CHECK-NOT: llm.linear_group
// CHECK: llm.attention
func.func @other_cache(%x: tensor<?x8xbf16>, %p: tensor<?xi32>, %s: tensor<?xi32>, %t: tensor<2x2xi32>)
    -> tensor<?x8xbf16> {
  %q = llm.linear %x, @q : tensor<?x8xbf16> -> tensor<?x8xbf16>
  %k = llm.linear %x, @k : tensor<?x8xbf16> -> tensor<?x4xbf16>
  %v = llm.linear %x, @v : tensor<?x8xbf16> -> tensor<?x4xbf16>
  llm.kv_write %k, %v, %p, %s, %t, @narrow : tensor<?x4xbf16>, tensor<?xi32>, tensor<2x2xi32>
  %a = llm.attention %q, %p, %s, %t, @kv {scale = 0.5 : f32}
      : tensor<?x8xbf16>, tensor<?xi32>, tensor<2x2xi32>
  return %a : tensor<?x8xbf16>
}

// -----

llm.file @f "f" {bytes = 4096 : i64, header_hash = 0 : i64}
llm.weight @norm "norm" in @f at 0 size 16 : tensor<8xbf16>
llm.weight @router "router" in @f at 16 size 64 : tensor<4x8xbf16>
llm.weight @router_half "router_half" in @f at 80 size 64 : tensor<4x8xf16>
llm.weight @bias "bias" in @f at 144 size 8 : tensor<4xbf16>
llm.expert_bank @bank "experts" {
  dtype = bf16, experts = 4 : i64, file_of = array<i32: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>, files = [@f],
  hidden = 8 : i64, inner = 2 : i64, layer = 0 : i64,
  offsets = array<i64: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0>}

// From the residual to the choice: one launch is left of five. The experts and
// the next residual read what it gives beside the choice.
// CHECK-LABEL: @normed_router
// CHECK-SAME: %[[A:[^:]*]]: tensor<?x8xbf16>, %[[B:[^:]*]]: tensor
// CHECK-NEXT: %[[S:.*]], %[[N:.*]], %{{.*}}, %[[I:.*]], %[[W:.*]] = llm.add_norm_route %[[A]], %[[B]] norm @norm router @router {eps = 1.000000e-03 : f32, normalize} : tensor<?x8xbf16> -> tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
// CHECK-NEXT: %[[E:.*]] = llm.experts %[[N]], %[[I]], %[[W]], @bank
// CHECK-NEXT: %[[R:.*]] = llm.add %[[S]], %[[E]]
// CHECK-NEXT: return %[[R]], %[[I]]
func.func @normed_router(%a: tensor<?x8xbf16>, %b: tensor<?x8xbf16>) -> (tensor<?x8xbf16>, tensor<?x2xi32>) {
  %s = llm.add %a, %b : tensor<?x8xbf16>
  %n = llm.rms_norm %s, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %p = llm.softmax %l : tensor<?x4xf32>
  %i, %w = llm.top_k %p {normalize} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %e = llm.experts %n, %i, %w, @bank : tensor<?x8xbf16>, tensor<?x2xi32>, tensor<?x2xf32>
  %r = llm.add %s, %e : tensor<?x8xbf16>
  return %r, %i : tensor<?x8xbf16>, tensor<?x2xi32>
}

// Weights as they are, and parts that were fused before.
// CHECK-LABEL: @not_normalised
// CHECK-NEXT: llm.add_norm_route %{{.*}}, %{{.*}} norm @norm router @router {eps = 1.000000e-03 : f32} :
// CHECK-NEXT: return
func.func @not_normalised(%a: tensor<?x8xbf16>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %s, %n = llm.add_rms_norm %a, %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// Readers between the norm and the choice: the launch comes before them.
// CHECK-LABEL: @read_before_the_choice
// CHECK-NEXT: %[[S:.*]], %[[N:.*]], %{{.*}}, %[[I:.*]], %{{.*}} = llm.add_norm_route
// CHECK-NEXT: %[[X:.*]] = llm.add %[[S]], %[[N]]
// CHECK-NEXT: return %[[X]], %[[I]]
func.func @read_before_the_choice(%a: tensor<?x8xbf16>) -> (tensor<?x8xbf16>, tensor<?x2xi32>) {
  %s, %n = llm.add_rms_norm %a, %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %x = llm.add %s, %n : tensor<?x8xbf16>
  %l = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %x, %i : tensor<?x8xbf16>, tensor<?x2xi32>
}

// Logits that somebody else reads, with a bias, of the sum instead of the norm,
// by weights of another type than the norm's, of a norm without a sum: each
// stays as it is.
// CHECK-LABEL: @logits_read
// CHECK: llm.add_rms_norm
// CHECK-NEXT: llm.linear
// CHECK-NEXT: llm.route
func.func @logits_read(%a: tensor<?x8xbf16>) -> (tensor<?x2xi32>, tensor<?x4xf32>) {
  %s, %n = llm.add_rms_norm %a, %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i, %l : tensor<?x2xi32>, tensor<?x4xf32>
}

// CHECK-LABEL: @router_bias
// CHECK: llm.add_rms_norm
// CHECK-NEXT: llm.linear
// CHECK-NEXT: llm.route
func.func @router_bias(%a: tensor<?x8xbf16>) -> tensor<?x2xi32> {
  %s, %n = llm.add_rms_norm %a, %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @router bias @bias : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i : tensor<?x2xi32>
}

// CHECK-LABEL: @router_of_sum
// CHECK: llm.add_rms_norm
// CHECK-NEXT: llm.linear
// CHECK-NEXT: llm.route
func.func @router_of_sum(%a: tensor<?x8xbf16>) -> (tensor<?x2xi32>, tensor<?x8xbf16>) {
  %s, %n = llm.add_rms_norm %a, %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %s, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i, %n : tensor<?x2xi32>, tensor<?x8xbf16>
}

// CHECK-LABEL: @router_types_differ
// CHECK: llm.add_rms_norm
// CHECK-NEXT: llm.linear
// CHECK-NEXT: llm.route
func.func @router_types_differ(%a: tensor<?x8xbf16>) -> tensor<?x2xi32> {
  %s, %n = llm.add_rms_norm %a, %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @router_half : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i : tensor<?x2xi32>
}

// CHECK-LABEL: @router_without_sum
// CHECK-NEXT: llm.rms_norm
// CHECK-NEXT: llm.linear
// CHECK-NEXT: llm.route
func.func @router_without_sum(%a: tensor<?x8xbf16>) -> tensor<?x2xi32> {
  %n = llm.rms_norm %a, @norm {eps = 1.0e-3 : f32} : tensor<?x8xbf16>
  %l = llm.linear %n, @router : tensor<?x8xbf16> -> tensor<?x4xf32>
  %i, %w = llm.route %l : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %i : tensor<?x2xi32>
}

// COUNT: remark: [Passed] fused | Category:fuse-llm
// COUNT-SAME: add_norm_route=0, add_rms_norm=1, linear_group=0, qk_norm_rope_write=0, route=1
// COUNT: remark: [Passed] fused | Category:fuse-llm
// COUNT-SAME: add_norm_route=0, add_rms_norm=0, linear_group=0, qk_norm_rope_write=1, route=0
// COUNT: remark: [Passed] fused | Category:fuse-llm
// COUNT-SAME: add_norm_route=0, add_rms_norm=0, linear_group=3, qk_norm_rope_write=1, route=0
// COUNT: remark: [Passed] fused | Category:fuse-llm
// COUNT-SAME: add_norm_route=3, add_rms_norm=1, linear_group=0, qk_norm_rope_write=0, route=1
